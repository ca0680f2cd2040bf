// A simulated pointer for the benchmarks: it moves a slider, or the code on the map, once per frame of
// the screen, and measures when the picture of each position is painted.
//
// The picture is the element .decoded-sample; its data-code is the code that it shows. A picture
// counts as painted at the next callback of requestAnimationFrame after its update, when the browser
// makes the frame that shows it. An input is answered by the picture of its own or of a newer
// position.
window.benchPointer = (() => {
  const PICTURE = ".decoded-sample[data-code]";
  const frame = () => new Promise(requestAnimationFrame);
  const shown = () => document.querySelector(PICTURE)?.dataset.code;
  const parts = (code) => code.split(",").map(Number);

  // Calls `seen(code)` when another code is shown; returns a function that ends this.
  function watch(seen) {
    let last = shown();
    const observer = new MutationObserver(() => {
      const code = shown();
      if (code === undefined || code === last) return;
      last = code;
      seen(code);
    });
    observer.observe(document.body, {
      subtree: true, childList: true, attributes: true, attributeFilter: ["data-code"],
    });
    return () => observer.disconnect();
  }

  // The first slider. Every second hundredth upwards, the others downwards: a position is repeated
  // after ten seconds, when no picture of the time before can still be on its way. A slider that the
  // page replaces during a drag is lost to a visitor: that is counted, and the new one is moved.
  function pressSlider() {
    const find = () => [...document.querySelectorAll("*")]
      .map((each) => each.shadowRoot?.querySelector("input[type=range]")).find(Boolean);
    let range = find();
    const name = range.closest(".row").querySelector(".name").textContent;
    return {
      part: Number(name.slice(1)) - 1, // z2 is the second number of the code
      slack: 0.004,
      steps: 294,
      replaced: 0,
      move(step, back) {
        if (!range.isConnected) {
          range = find();
          this.replaced += 1;
        }
        range.value = (back ? 2.93 - 0.02 * step : -2.94 + 0.02 * step).toFixed(2);
        range.dispatchEvent(new Event("input", { bubbles: true }));
        return Number(range.value);
      },
      release() {
        range.dispatchEvent(new Event("change", { bubbles: true }));
      },
    };
  }

  // A press on the map, moved to the right and back. The first number of the code is the x axis.
  function pressMap() {
    const plot = document.querySelector(".latent-map .plot");
    const target = plot.querySelector(".nsewdrag");
    const box = target.getBoundingClientRect();
    const [low, high] = plot._fullLayout.xaxis.range;
    const start = Math.ceil(box.left) + 24;
    const steps = Math.floor((box.width - 48) / 2);
    const send = (name, on, x) => on.dispatchEvent(new PointerEvent(name, {
      bubbles: true, cancelable: true, composed: true, isPrimary: true, pointerId: 1,
      pointerType: "mouse", button: name === "pointermove" ? -1 : 0,
      buttons: name === "pointerup" ? 0 : 1,
      clientX: x, clientY: box.top + box.height * (0.3 + (0.4 * (x - box.left)) / box.width),
    }));
    let at = start - 12; // far enough from the first position to be a drag and no click
    send("pointerdown", target, at);
    return {
      part: 0,
      slack: (0.45 * (high - low)) / box.width, // under half a pixel
      steps,
      move(step, back) {
        at = start + (back ? 2 * (steps - step) - 1 : 2 * step);
        send("pointermove", window, at);
        return low + ((at - box.left) / box.width) * (high - low);
      },
      release() {
        send("pointerup", window, at);
      },
    };
  }

  // Drags for some seconds. Returns the ms from each input to its picture in the page and to its
  // painting (null after more than 3 s), the number of pictures painted, and the time it took.
  async function drag(kind, seconds) {
    const dragged = kind === "map" ? pressMap() : pressSlider();
    const inputs = []; // {time, value, arrived, painted}
    const painted = []; // the frames that showed a new picture
    let newest = -1; // the newest input whose picture is in the page
    let awaited = 0; // the oldest input that is not painted
    let asked = false;
    const end = watch((code) => {
      const value = parts(code)[dragged.part];
      const now = performance.now();
      let index = inputs.length - 1;
      while (index > newest && Math.abs(inputs[index].value - value) > dragged.slack) index -= 1;
      if (index <= newest) return;
      for (let each = newest + 1; each <= index; each += 1) inputs[each].arrived = now;
      newest = index;
      if (asked) return;
      asked = true;
      requestAnimationFrame((time) => {
        asked = false;
        const then = performance.now();
        painted.push(time);
        for (; awaited <= newest; awaited += 1) inputs[awaited].painted = then;
      });
    });
    const start = await frame();
    let stop = start;
    for (let step = 0, back = false; stop - start < 1000 * seconds; step += 1) {
      if (step === dragged.steps) [step, back] = [0, !back];
      const time = performance.now();
      inputs.push({ time, value: dragged.move(step, back) });
      stop = await frame();
    }
    const patience = stop + 3000;
    while (awaited < inputs.length && performance.now() < patience) await frame();
    end();
    dragged.release();
    const since = (name) =>
      inputs.map((each) => (each[name] === undefined ? null : each[name] - each.time));
    return {
      arrived: since("arrived"),
      painted: since("painted"),
      pictures: painted.filter((time) => time > start && time <= stop).length,
      ms: stop - start,
      replaced: dragged.replaced ?? 0,
      inputs: inputs.length,
    };
  }

  // The ms from the next event of this name, when the page receives it, to the painting of what
  // `answer(done)` waits for; null where that takes longer than 5 s.
  function painted(name, answer) {
    return new Promise((resolve) => {
      let start = null;
      const receive = () => { start ??= performance.now(); };
      window.addEventListener(name, receive, { capture: true });
      const finish = (ms) => {
        window.removeEventListener(name, receive, { capture: true });
        end();
        clearTimeout(patience);
        resolve(ms);
      };
      const end = answer(() => requestAnimationFrame(() => finish(performance.now() - start)));
      const patience = setTimeout(finish, 5000, null);
    });
  }

  // From the release of a press to the picture.
  const press = () => painted("pointerup", watch);

  // From a move of the pointer to the thumbnails of the point that it is on.
  const hover = () => painted("pointermove", (seen) => {
    const thumb = document.querySelector(".latent-map .thumb");
    const observer = new MutationObserver(() => {
      if (thumb.hidden || !thumb.childElementCount) return;
      observer.disconnect();
      seen();
    });
    observer.observe(thumb, { attributes: true, childList: true, subtree: true });
    return () => observer.disconnect();
  });

  // Places of `count` random points of the map, as shares of the plot's width and height, from the
  // file that the map itself has fetched: x and y as float32, then the labels.
  async function spots(count) {
    const plot = document.querySelector(".latent-map .plot");
    const { xaxis: { range: [left, right] }, yaxis: { range: [bottom, top] } } = plot._fullLayout;
    const files = performance.getEntriesByType("resource").map((entry) => entry.name);
    const file = await fetch(files.findLast((name) => name.endsWith("points.bin")));
    const buffer = await file.arrayBuffer();
    const points = new Float32Array(buffer, 0, (2 * buffer.byteLength) / 9);
    const found = [];
    while (found.length < count) {
      const index = 2 * Math.floor((Math.random() * points.length) / 2);
      const across = (points[index] - left) / (right - left);
      const down = (top - points[index + 1]) / (top - bottom);
      if ([across, down].every((share) => share > 0.12 && share < 0.88)) found.push([across, down]);
    }
    return found;
  }

  return { drag, press, hover, spots };
})();
