// The decoded digit on a canvas, bars and facts beside it, and the engine's figures below.

const STAGES = new WeakMap();
const SIDE = 28;
const RECENT = 1000; // ms over which pictures are counted
const COLLECT = 250; // ms between two counts on the screen: figures that flicker cannot be read

class Stage {
  constructor(root) {
    this.canvas = element("canvas", { width: SIDE, height: SIDE });
    this.canvas.setAttribute("role", "img");
    this.ink = this.canvas.getContext("2d");
    this.image = this.ink.createImageData(SIDE, SIDE);
    this.caption = element("figcaption");
    this.title = element("h4");
    this.bars = element("div");
    this.facts = element("p");
    this.cells = Object.fromEntries(
      ["device", "decode", "round trip", "pictures", "from cache"].map((name) => [name, element("dd")]),
    );
    this.engine = element("dl", { className: "engine" },
      ...Object.entries(this.cells).map(([name, cell]) =>
        element("div", {}, element("dt", { textContent: name }), cell)));
    this.box = element("div", { className: "stage-digit" },
      element("figure", { className: "digit" }, this.canvas, this.caption),
      element("div", { className: "facts" }, this.title, this.bars, this.facts));
    root.append(this.box, this.engine);
    this.painted = []; // times of the last pictures, ms
    this.pace = null;
    this.leaving = new AbortController();
    onPace((pace) => {
      this.pace = pace;
      this.tellSoon();
    }, this.leaving.signal);
  }

  update(data) {
    this.data = data;
    if (this.shown !== data.code) this.count();
    this.shown = data.code;
    this.paint(data);
    this.describe(data);
    this.box.dataset.code = data.code;
    this.tellSoon();
  }

  paint({ pixels }) {
    const { data } = this.image;
    const grey = atob(pixels);
    for (let place = 0; place < SIDE * SIDE; place += 1) {
      data[4 * place] = data[4 * place + 1] = data[4 * place + 2] = grey.charCodeAt(place);
      data[4 * place + 3] = 255;
    }
    this.ink.putImageData(this.image, 0, 0);
  }

  describe({ caption, title, shares, colours, facts }) {
    this.canvas.ariaLabel = `the decoded digit, ${caption}`;
    this.caption.textContent = caption;
    this.title.textContent = title;
    this.facts.textContent = facts.join("\n");
    if (this.bars.children.length !== shares.length) {
      this.bars.replaceChildren(...shares.map((_, digit) =>
        element("div", { className: "bar" }, element("span", { textContent: digit }), element("i"))));
    }
    shares.forEach((share, digit) => {
      const bar = this.bars.children[digit].lastChild;
      bar.style.background = colours[digit];
      bar.style.width = `${100 * share}%`;
    });
  }

  count() {
    const now = performance.now();
    this.painted = [...this.painted.filter((time) => now - time < RECENT), now];
  }

  // What changes sixty times a second is written four times a second.
  tellSoon() {
    this.telling ??= setTimeout(() => {
      this.telling = null;
      this.tell();
    }, COLLECT);
  }

  tell() {
    const { device, decode_ms: decode, hit_rate: hits, model } = this.data;
    const recent = this.painted.filter((time) => performance.now() - time < RECENT);
    this.engine.title = `${model} on ${device}`;
    const ms = (value) => (value === null ? "\u2013" : `${value.toFixed(value < 10 ? 1 : 0)} ms`);
    const found = {
      device,
      decode: ms(decode),
      "round trip": ms(this.pace?.roundTrip ?? null),
      pictures: `${recent.length} /s`,
      "from cache": `${Math.round(100 * hits)} %`,
    };
    for (const [name, text] of Object.entries(found)) this.cells[name].textContent = text;
    if (recent.length) this.tellSoon(); // until the count has gone back to none
  }

  destroy() {
    this.leaving.abort();
    clearTimeout(this.telling);
  }
}

export default (component) => keep(STAGES, component, Stage);
