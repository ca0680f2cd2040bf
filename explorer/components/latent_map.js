// The map of a latent space. Plotly draws the axes, zooms and pans; the points, fetched once, are
// painted here, and the cursor is an element laid over them. (st.plotly_chart hashes its whole
// figure, so that moving a marker would send all points again and reset the zoom.)

const MAPS = new WeakMap();
const VIEW_PAUSE = 150; // ms a zoom or pan must have rested before the backdrop follows
const IDLE = 2500; // ms without a move before the sheets of thumbnails are fetched

class LatentMap {
  constructor(root, signal) {
    [this.root, this.signal] = [root, signal];
    this.tools = new Tools(this);
    this.thumb = new Thumb(this);
    this.backdrop = new Backdrop(this);
    this.plot = element("div", { className: "plot" });
    this.canvas = element("canvas", { className: "dots" });
    this.points = new Points(this.canvas);
    this.marks = new Marks(this);
    this.overlay = element("div", { className: "overlay" });
    this.notice = element("div", { className: "notice", textContent: "loading the map" });
    this.notice.setAttribute("role", "status");
    this.frame = element("div", { className: "frame", tabIndex: 0 },
      this.backdrop.box, this.plot, this.overlay, this.thumb.box, this.notice);
    this.frame.setAttribute("role", "application");
    this.hand = new Hand(this);
    this.zoom = new Zoom(this);
    this.overlay.append(this.canvas, this.marks.sketch, ...this.marks.all);
    root.classList.add("latent-map");
    root.append(this.tools.bar, this.frame);
    this.flow = makeFlow((click, serial) => this.send("click", { ...click, serial }));
    this.drags = makeFlow((spot, serial) => this.send("drag", { ...spot, serial }));
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.frame);
    onCursor((cursor) => this.follow(cursor), signal);
  }

  // Whether the live channel can be asked for what lies under the cursor.
  get live() {
    return this.channel?.open && this.channel.model === this.data.model;
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
    this.channel = liveChannel(data.live);
    this.flow.acknowledge(data.ack);
    // What Python says is taken when it is new (the sliders may have moved the cursor since) and when
    // no click is on its way (its reply to an older one must not pull the cursor back).
    const told = JSON.stringify([data.cursor, data.selected]);
    if (told !== this.told && ((this.flow.settled && !this.dragging) || !this.at)) {
      [this.told, this.at, this.selected] = [told, data.cursor, data.selected];
    }
    this.behind ??= data.behind;
    this.data = data;
    this.root.style.setProperty("--height", `${data.height}px`);
    this.frame.ariaLabel = `${data.label}. Click to put the code there; arrow keys move it.`;
    this.tools.update(data);
    this.thumb.update(data);
    this.backdrop.update(data.backdrop);
    this.marks.update(data);
    if (this.drawn) this.refresh();
    try {
      await this.draw();
      await this.weigh();
    } catch (error) {
      this.notice.textContent = `The map could not be drawn: ${error.message}. Reload the page.`;
      this.notice.hidden = false;
    }
  }

  // The points are loaded again when they, their colours or their axes change, never otherwise.
  async draw() {
    const { points, count, plotly, axes, colours } = this.data;
    const shape = JSON.stringify([points, axes, colours]);
    if (shape === this.shape) return;
    this.shape = shape;
    try {
      const [Plotly, found] = await Promise.all([loadPlotly(plotly), fetchPoints(points, count)]);
      await breathe();
      if (shape !== this.shape || this.signal.aborted) return; // a newer one overtook this one
      this.points.load(found, colours);
      this.weights = this.view = this.viewTold = null;
      const layout = figureLayout(this.data, readTheme(this.root), this.laid);
      await Plotly.react(this.plot, figureTraces(), layout, figureConfig(this.zoom));
      await this.zoom.restore();
      if (!this.drawn) {
        this.plot.on("plotly_relayout", (change) => this.zoom.keep(change));
        for (const name of ["relayout", "relayouting", "afterplot"]) {
          this.plot.on(`plotly_${name}`, () => this.place());
        }
      }
    } catch (error) {
      if (shape === this.shape) this.shape = null; // the next run tries again
      throw error;
    }
    await breathe();
    if (this.signal.aborted) return window.Plotly.purge(this.plot);
    this.drawn = true;
    this.notice.hidden = true;
    this.refresh();
  }

  // How strongly each point is painted.
  async weigh() {
    const { weights: url } = this.data;
    if (!this.drawn || url === this.weights) return;
    this.weights = url;
    try {
      const found = url && new Uint8Array(await fetchBytes(url, "the points' weights"));
      if (url === this.weights) this.points.weigh(found);
    } catch {
      this.weights = null; // the next run tries again; until then the old ones do
    }
  }

  // What may change in a run besides the points: theme, backdrop, cursor.
  refresh() {
    const change = figureLook(readTheme(this.root), this.laid);
    const look = JSON.stringify(change);
    if (look !== this.look) {
      this.dark = getComputedStyle(this.root).colorScheme === "dark";
      this.view = null; // the points are painted for the theme, too
      window.Plotly.relayout(this.plot, change);
    }
    this.look = look;
    this.place();
  }

  // One axis as plotted now: where it starts on the page, its length in px, its data range.
  axis(name) {
    const { _offset: offset, _length: length, range } = this.plot._fullLayout[name];
    return { offset, length, low: range[0], high: range[1] };
  }

  get axes() {
    return { across: this.axis("xaxis"), up: this.axis("yaxis"), hidden: this.tools.hidden };
  }

  pixels([x, y]) {
    const { across, up } = this.axes;
    return [
      ((x - across.low) / (across.high - across.low)) * across.length,
      ((up.high - y) / (up.high - up.low)) * up.length,
    ];
  }

  // Lays everything over the axes: points and backdrop when these have changed, and the marks.
  place() {
    if (!this.plot._fullLayout?.xaxis) return;
    const { across, up } = this.axes;
    const view = JSON.stringify([across, up]);
    if (view !== this.view) {
      this.view = view;
      for (const box of [this.overlay, this.backdrop.box]) {
        Object.assign(box.style, {
          left: `${across.offset}px`, top: `${up.offset}px`,
          width: `${across.length}px`, height: `${up.length}px`,
        });
      }
      this.thumb.show(null); // its point has moved
      this.backdrop.place();
      this.marks.outline();
      this.paint();
      this.watch();
    }
    this.marks.place();
    clearTimeout(this.idling);
    this.idling = setTimeout(() => this.thumb.load(), IDLE);
  }

  paint() {
    const { data, laid, dark } = this;
    if (this.drawn) this.points.draw({ ...this.axes, ...pointLook(data, laid), dark });
  }

  // Whether a backdrop is wanted, and one is offered.
  get laid() {
    return Boolean(this.behind && this.data.backdrop_words);
  }

  // The backdrop is made by Python for what is seen: it is told once a zoom or pan has rested.
  watch() {
    clearTimeout(this.watching);
    if (!this.laid || this.view === this.viewTold) return;
    this.watching = setTimeout(() => (this.dragging ? this.watch() : this.tell()), VIEW_PAUSE);
  }

  tell() {
    clearTimeout(this.watching);
    const { across, up } = this.axes;
    const range = [across.low, across.high, up.low, up.high];
    this.viewTold = this.view;
    this.send("view", { range, width: across.length, axes: this.data.axes, behind: this.behind });
  }

  // The backdrop's switch has been pressed.
  lay(behind) {
    this.behind = behind;
    this.tools.mark();
    if (!this.drawn) return;
    this.refresh();
    this.backdrop.place();
    this.paint();
    this.tell();
  }

  // A shape has been drawn around points, its corners in the points' units.
  select(corners) {
    const polygon = corners.map((corner) => corner.map((value) => Number(value.toPrecision(6))));
    this.marks.outline(polygon);
    const { classes } = this.data;
    const hidden = [...this.tools.hidden].filter((place) => classes[place]).map((place) => classes[place].label);
    this.send("shape", { polygon, hidden, serial: Date.now() });
  }

  resize() {
    cancelAnimationFrame(this.frameRequest);
    this.frameRequest = requestAnimationFrame(() => {
      if (this.drawn && this.frame.clientWidth) window.Plotly.Plots.resize(this.plot);
    });
  }

  // Where a pointer is: px within the axes, data, and whether it is within them at all.
  spot(event) {
    const box = this.overlay.getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    const inside = left >= 0 && top >= 0 && left <= box.width && top <= box.height;
    const [x, y] = this.units([left, top]);
    return { left, top, x, y, inside };
  }

  // What `pixels` does, the other way.
  units([left, top]) {
    const { across, up } = this.axes;
    return [
      across.low + (left / across.length) * (across.high - across.low),
      up.high - (top / up.length) * (up.high - up.low),
    ];
  }

  nearest(left, top, reach) {
    return this.points.nearest(this.axes, left, top, reach);
  }

  // By a press of this number, where it is one.
  go(x, y, index, press = null) {
    this.at = [x, y];
    this.told = null; // Python may find the code elsewhere, at a digit of t-SNE's, and be where it was
    this.place();
    if (this.live) this.channel.aim([x, y], index); // the picture at once, the rest of the page after
    this.flow.push({ x, y, index, press });
  }

  // The press was none of the code's: it goes back to where it was.
  takeBack({ at, selected, code, number }) {
    [this.at, this.selected] = [at, selected];
    this.place();
    if (this.live && code) {
      this.channel.code = code;
      this.channel.ask({ by: "map", ...(selected !== null && { digit: selected }) });
    }
    this.flow.push({ x: at[0], y: at[1], index: selected, press: number, back: true });
  }

  destroy() {
    this.flow.stop();
    this.drags.stop();
    this.hand.leave();
    clearTimeout(this.watching);
    clearTimeout(this.idling);
    this.resizing.disconnect();
    this.points.destroy();
    if (this.drawn) window.Plotly.purge(this.plot);
  }
}

export default (component) => keep(MAPS, component, LatentMap);
