// The map of a latent space: a Plotly scattergl plot that this component owns. st.plotly_chart
// hashes its whole figure, so that moving a marker would send all points again and reset the zoom;
// here the points are fetched once and the cursor is an element laid over the plot.

const MAPS = new WeakMap();
const CLICK_SLIP = 5; // px a pointer may move between press and release and still be a click
const REACH = { mouse: 8, pen: 12, touch: 16 }; // px from a point that still press it
const TILE = 56; // px of a thumbnail: twice the 28 of a digit
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

class LatentMap {
  constructor(root) {
    this.hidden = new Set(); // digits that the legend switched off
    this.root = root;
    this.legend = element("div", { className: "legend" });
    this.legend.setAttribute("role", "group");
    this.legend.ariaLabel = "Digits shown on the map";
    this.plot = element("div", { className: "plot" });
    this.ellipse = element("div", { className: "ellipse" });
    this.ring = element("div", { className: "ring" });
    this.cursor = element("div", { className: "cursor" });
    this.handle = element("div", { className: "handle" }); // what a finger takes hold of
    this.cursor.append(this.handle);
    this.thumb = element("div", { className: "thumb", hidden: true });
    this.overlay = element("div", { className: "overlay" }, this.ellipse, this.ring, this.cursor);
    this.notice = element("div", { className: "notice", textContent: "loading the map" });
    this.notice.setAttribute("role", "status");
    this.frame = element("div", { className: "frame", tabIndex: 0 },
      this.plot, this.overlay, this.thumb, this.notice);
    this.frame.setAttribute("role", "application");
    root.classList.add("latent-map");
    root.append(this.legend, this.frame);
    this.flow = makeFlow((click, serial) => this.send("click", { ...click, serial }));
    this.drags = makeFlow((spot, serial) => this.send("drag", { ...spot, serial }));
    this.frame.addEventListener("pointerdown", (event) => this.press(event), true);
    this.frame.addEventListener("mousedown", (event) => this.withhold(event), true);
    this.frame.addEventListener("dblclick", (event) => this.unzoom(event));
    this.frame.addEventListener("keydown", (event) => this.key(event));
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.frame);
    this.leaving = new AbortController();
    onCursor((cursor) => this.follow(cursor), this.leaving.signal);
  }

  // The code has been moved: by the sliders, or, where `answered` says up to which, by our drags.
  follow({ at, selected, answered }) {
    this.drags.acknowledge(answered);
    if (this.dragging || !this.flow.settled) return;
    [this.at, this.selected] = [at, selected];
    if (this.drawn) this.place();
  }

  async update(data, send) {
    this.send = send;
    this.flow.acknowledge(data.ack);
    // What Python says is taken when it is new (the sliders may have moved the cursor since) and when
    // no click is on its way (its reply to an older one must not pull the cursor back).
    const told = JSON.stringify([data.cursor, data.selected]);
    if (told !== this.told && ((this.flow.settled && !this.dragging) || !this.at)) {
      [this.told, this.at, this.selected] = [told, data.cursor, data.selected];
    }
    this.data = data;
    this.root.style.setProperty("--height", `${data.height}px`);
    this.frame.ariaLabel = `${data.label}. Click to put the code there; arrow keys move it.`;
    if (this.drawn) this.refresh();
    try {
      await this.draw();
    } catch (error) {
      this.notice.textContent = `The map could not be drawn: ${error.message}. Reload the page.`;
      this.notice.hidden = false;
    }
  }

  // The points are drawn again when they, their colours or their axes change, never otherwise.
  async draw() {
    const { points, count, plotly, axes, colours } = this.data;
    const shape = JSON.stringify([points, axes, colours]);
    if (shape === this.shape) return;
    this.shape = shape;
    try {
      const [Plotly, found] = await Promise.all([loadPlotly(plotly), fetchPoints(points, count)]);
      if (shape !== this.shape) return; // a newer one overtook this one
      Object.assign(this, found);
      this.drawLegend();
      await Plotly.react(this.plot, ...this.figure());
      if (!this.drawn) {
        for (const name of ["relayout", "relayouting", "afterplot"]) {
          this.plot.on(`plotly_${name}`, () => this.place());
        }
        this.plot.on("plotly_hover", ({ points: [point] }) => this.glance(point.customdata));
        this.plot.on("plotly_unhover", () => this.glance(null));
      }
    } catch (error) {
      if (shape === this.shape) this.shape = null; // the next run tries again
      throw error;
    }
    this.drawn = true;
    this.notice.hidden = true;
    this.refresh();
  }

  figure() {
    const theme = readTheme(this.root);
    return [
      figureTraces(this.data, this.positions, this.labels, this.hidden),
      figureLayout(this.data, theme),
      figureConfig(),
    ];
  }

  // What may change in a run without a redraw of the points: theme, backdrop, cursor.
  refresh() {
    const change = figureLook(this.data, readTheme(this.root));
    const look = JSON.stringify(change);
    if (look !== this.look) window.Plotly.relayout(this.plot, change);
    this.look = look;
    this.place();
  }

  drawLegend() {
    const chips = this.data.colours.map((colour, digit) => {
      const chip = element("button", { type: "button", title: "Click: hide or show. Double click: this one alone" },
        element("i"), String(digit));
      chip.style.setProperty("--colour", colour);
      chip.ariaLabel = `digit ${digit}`;
      chip.addEventListener("click", (event) => {
        if (event.detail < 2) this.toggle(digit);
      });
      chip.addEventListener("dblclick", () => this.isolate(digit));
      return chip;
    });
    this.legend.replaceChildren(...chips);
    this.mark();
  }

  mark() {
    [...this.legend.children].forEach((chip, digit) => {
      chip.ariaPressed = String(!this.hidden.has(digit));
    });
  }

  toggle(digit) {
    if (!this.hidden.delete(digit)) this.hidden.add(digit);
    this.filter();
  }

  // One digit alone, or all again when it is alone. (The first click of the two has toggled it.)
  isolate(digit) {
    const others = this.data.colours.map((_, each) => each).filter((each) => each !== digit);
    const alone = others.every((each) => this.hidden.has(each));
    this.hidden = new Set(alone ? [] : others);
    this.filter();
  }

  filter() {
    this.mark();
    const visible = this.data.colours.map((_, digit) => !this.hidden.has(digit));
    window.Plotly.restyle(this.plot, { visible });
  }

  // One axis as plotted now: where it starts on the page, its length in px, its data range.
  axis(name) {
    const { _offset: offset, _length: length, range } = this.plot._fullLayout[name];
    return { offset, length, low: range[0], high: range[1] };
  }

  pixels([x, y]) {
    const [across, up] = [this.axis("xaxis"), this.axis("yaxis")];
    return [
      ((x - across.low) / (across.high - across.low)) * across.length,
      ((up.high - y) / (up.high - up.low)) * up.length,
    ];
  }

  // Lays the overlay over the axes and its marks over their positions; the plot is not touched.
  place() {
    if (!this.plot._fullLayout?.xaxis) return;
    const [across, up] = [this.axis("xaxis"), this.axis("yaxis")];
    Object.assign(this.overlay.style, {
      left: `${across.offset}px`, top: `${up.offset}px`,
      width: `${across.length}px`, height: `${up.length}px`,
    });
    const put = (mark, spot) => {
      mark.hidden = !spot;
      if (!spot) return;
      const [x, y] = this.pixels(spot);
      mark.style.transform = `translate(${x}px, ${y}px)`;
    };
    put(this.cursor, this.at);
    const { selected, data: { ellipse, colours } } = this;
    const known = selected !== null && this.positions && 2 * selected < this.positions.length;
    put(this.ring, known ? this.positions.subarray(2 * selected, 2 * selected + 2) : null);
    if (known) this.ring.style.setProperty("--colour", colours[this.labels[selected]]);
    put(this.ellipse, ellipse && ellipse.slice(0, 2));
    if (ellipse) {
      const [left, top] = this.pixels([ellipse[0] - ellipse[2], ellipse[1] + ellipse[3]]);
      const [right, bottom] = this.pixels([ellipse[0] + ellipse[2], ellipse[1] - ellipse[3]]);
      const [width, height] = [right - left, bottom - top];
      Object.assign(this.ellipse.style, {
        width: `${width}px`, height: `${height}px`,
        margin: `${-height / 2}px 0 0 ${-width / 2}px`,
      });
    }
  }

  // Which point the pointer is on: its name, and its pictures where there are sheets of them.
  glance(index) {
    this.thumb.hidden = index === null || Boolean(this.dragging);
    if (this.thumb.hidden) return;
    const { sheets, noun } = this.data;
    const tiles = sheets.map(([words, url]) => {
      const tile = element("i", { title: words });
      tile.style.backgroundImage = `url("${absolute(url)}")`;
      tile.style.backgroundPosition = `${-TILE * (index % 100)}px ${-TILE * Math.floor(index / 100)}px`;
      return element("figure", {}, tile, element("figcaption", { textContent: words }));
    });
    const name = `${noun} ${index.toLocaleString("en")}, a ${this.labels[index]}`;
    this.thumb.replaceChildren(element("b", { textContent: name }), ...tiles);
    const [left, top] = this.pixels(this.positions.subarray(2 * index, 2 * index + 2));
    const across = this.axis("xaxis");
    const [width, height] = [this.thumb.offsetWidth, this.thumb.offsetHeight];
    const x = Math.min(left - width / 2, across.length - width);
    const y = top > height + 14 ? top - height - 14 : top + 14;
    this.thumb.style.transform =
      `translate(${across.offset + Math.max(0, x)}px, ${this.axis("yaxis").offset + y}px)`;
  }

  resize() {
    cancelAnimationFrame(this.frameRequest);
    this.frameRequest = requestAnimationFrame(() => {
      if (this.drawn && this.frame.clientWidth) window.Plotly.Plots.resize(this.plot);
    });
  }

  // Clicks are found here, not by plotly_click: that one knows nothing of empty space.
  press(event) {
    if (!this.drawn || !event.isPrimary || event.button !== 0) return;
    if (event.target.closest(".modebar")) return;
    const start = [event.clientX, event.clientY];
    const inside = this.spot(event).inside;
    const stop = new AbortController();
    const slip = (now) => Math.hypot(now.clientX - start[0], now.clientY - start[1]);
    const move = (now) => {
      if (this.dragging || (inside && this.grasped(event) && slip(now) >= CLICK_SLIP)) this.drag(now);
    };
    const end = (up) => {
      stop.abort();
      if (this.dragging) this.drop();
      else if (up.type === "pointerup" && slip(up) < CLICK_SLIP) this.click(up);
    };
    // On the window: Plotly covers the page while a button is down.
    const listen = (name, action) =>
      window.addEventListener(name, action, { capture: true, signal: stop.signal });
    listen("pointermove", move);
    listen("pointerup", end);
    listen("pointercancel", end);
  }

  // A press that takes hold of the code is none of Plotly's: it would draw a box to zoom into.
  withhold(event) {
    if (!this.drawn || !this.data.draggable || event.shiftKey || event.button !== 0) return;
    if (!event.target.closest(".modebar") && this.spot(event).inside) event.stopPropagation();
  }

  // What Plotly does at a double click, of which it no longer hears.
  unzoom(event) {
    if (!this.drawn || !this.data.draggable || event.target.closest(".modebar")) return;
    const [left, right, bottom, top] = this.data.range;
    window.Plotly.relayout(this.plot, {
      "xaxis.range": [left, right], "yaxis.range": [bottom, top],
    });
  }

  // Whether a press takes hold of the code. Shift leaves it where it is and moves the map; a finger
  // must take the cursor itself, for anywhere else it scrolls the page.
  grasped(event) {
    if (!this.data.draggable || event.shiftKey) return false;
    return event.pointerType !== "touch" || event.target === this.handle;
  }

  // Where a pointer is: px within the axes, data, and whether it is within them at all.
  spot(event) {
    const box = this.overlay.getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    const [across, up] = [this.axis("xaxis"), this.axis("yaxis")];
    const x = across.low + (left / box.width) * (across.high - across.low);
    const y = up.high - (top / box.height) * (up.high - up.low);
    const inside = left >= 0 && top >= 0 && left <= box.width && top <= box.height;
    return { left, top, x, y, inside };
  }

  // The cursor is under the pointer at once; the picture follows as fast as the server answers.
  drag(event) {
    const { x, y } = this.spot(event);
    this.dragging = true;
    this.glance(null);
    this.root.classList.add("dragging");
    [this.at, this.selected] = [[x, y], null];
    this.place();
    this.drags.push({ x, y });
  }

  drop() {
    this.dragging = false;
    this.root.classList.remove("dragging");
    this.drags.stop();
    this.go(...this.at, null);
  }

  click(event) {
    const { left, top, x, y, inside } = this.spot(event);
    if (!inside) return;
    const index = this.nearest(left, top, REACH[event.pointerType] ?? REACH.mouse);
    if (index === null) this.go(x, y, null);
    else this.go(this.positions[2 * index], this.positions[2 * index + 1], index);
  }

  // The nearest shown point within `reach` px: a scan of 70,000 points takes half a millisecond.
  nearest(left, top, reach) {
    const [across, up] = [this.axis("xaxis"), this.axis("yaxis")];
    const scaleX = across.length / (across.high - across.low);
    const scaleY = up.length / (up.high - up.low);
    let best = reach * reach;
    let found = null;
    for (let index = 0; index < this.labels.length; index += 1) {
      if (this.hidden.has(this.labels[index])) continue;
      const dx = (this.positions[2 * index] - across.low) * scaleX - left;
      const dy = (up.high - this.positions[2 * index + 1]) * scaleY - top;
      const distance = dx * dx + dy * dy;
      if (distance <= best) [best, found] = [distance, index];
    }
    return found;
  }

  key(event) {
    const direction = ARROWS[event.key];
    if (event.target !== this.frame || !direction || !this.at) return;
    event.preventDefault();
    const step = event.shiftKey ? 0.25 : 0.05;
    const [x, y] = this.at.map((value, i) => Math.round((value + step * direction[i]) * 1e6) / 1e6);
    this.go(x, y, null);
  }

  go(x, y, index) {
    this.at = [x, y];
    this.place();
    this.flow.push({ x, y, index });
  }

  destroy() {
    this.flow.stop();
    this.drags.stop();
    this.leaving.abort();
    this.resizing.disconnect();
    if (this.drawn) window.Plotly.purge(this.plot);
  }
}

export default (component) => keep(MAPS, component, LatentMap);
