// The map of a latent space. Plotly draws the axes, zooms and pans; the points are fetched once and
// painted with WebGL, and the cursor is an element over them. (st.plotly_chart is identified by a
// hash of its whole figure, so moving a marker would send all points again and reset the zoom.)

import { defineComponent } from "./component.js";
import { element } from "./dom.js";
import { decoded } from "./events.js";
import { firstPicturePainted } from "./first_picture.js";
import { makeFlow } from "./flow.js";
import STYLE from "./latent_map.css.js";
import { liveChannel } from "./live.js";
import { rangeOf } from "./map_axes.js";
import { Backdrop } from "./map_backdrop.js";
import { ColourBy } from "./map_colour_by.js";
import { drawFigure, fetchPoints, figureStyle, loadPlotly, pointStyle, preloadPlotly } from "./map_figure.js";
import { Legend } from "./map_legend.js";
import { Marks } from "./map_marks.js";
import { Names } from "./map_names.js";
import { classPaint, valuePaint } from "./map_paint.js";
import { Pointer } from "./map_pointer.js";
import { Points } from "./map_points.js";
import { scaleColours } from "./map_scale.js";
import { Thumbnail } from "./map_thumbnail.js";
import { Tools } from "./map_tools.js";
import { Zoom } from "./map_zoom.js";
import { fetchBytes } from "./urls.js";

const VIEW_PAUSE = 150; // ms after a zoom or pan before a new backdrop is requested
const IDLE = 2500; // ms without a change before the sprite sheets of thumbnails are fetched
const PAINT_PAUSE = 30; // ms

/** Let the browser paint: drawing Plotly and the points takes 0.2 s each without a GPU. */
const yieldToPainting = () => new Promise((done) => setTimeout(done, PAINT_PAUSE));

/** @typedef {import("./map_axes.js").Point} Point */

export class LatentMap {
  /** @type {import("./types").MapData} */
  data;
  /** @type {import("./types").Send} */
  send;

  /** @param {HTMLElement} root @param {AbortSignal} signal */
  constructor(root, signal) {
    this.root = root;
    this.signal = signal;
    this.drawn = false;
    this.dragging = false; // a code is dragged or a shape is drawn
    /** @type {Point | null} */
    this.cursor = null;
    /** @type {number | null} */
    this.selected = null;
    this.backdropOn = false;
    /** @type {ReturnType<typeof liveChannel>} */
    this.channel = null;
    this.received = ""; // the last cursor from Python
    this.shape = ""; // the points, colours and axes that are drawn
    this.view = ""; // the axes for which everything is placed
    this.viewSent = "";
    this.style = "";
    /** @type {string | null} */
    this.weights = null;
    this.frameRequest = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.viewTimer = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.idleTimer = undefined;
    this.legend = new Legend(() => this.colour());
    this.colourBy = new ColourBy(() => this.recolour());
    this.tools = new Tools(this.legend.box, {
      onMode: (mode) => root.classList.toggle("selecting", mode !== "code"),
      onSwitch: () => this.switchBackdrop(),
    });
    this.thumbnail = new Thumbnail();
    this.names = new Names();
    this.backdrop = new Backdrop();
    /** @type {HTMLElement & Record<string, any>} */
    this.plot = element("div", { className: "plot" });
    this.canvas = element("canvas", { className: "dots" });
    this.points = new Points(this.canvas, signal, (error) => this.notify(error));
    this.marks = new Marks();
    this.overlay = element("div", { className: "overlay" }, this.canvas, ...this.marks.elements);
    this.notice = element("div", { className: "notice", textContent: "loading the map" });
    this.notice.setAttribute("role", "status");
    this.frame = element("div", { className: "frame", tabIndex: 0 },
      this.backdrop.box, this.plot, this.overlay, this.thumbnail.box, this.notice);
    this.frame.setAttribute("role", "application");
    this.pointer = new Pointer(this);
    this.zoom = new Zoom(this);
    root.classList.add("latent-map");
    root.append(this.tools.bar, this.frame, this.colourBy.box);
    this.clicks = makeFlow((click, serial) => this.send("click", { ...click, serial }));
    this.drags = makeFlow((point, serial) => this.send("drag", { ...point, serial }));
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(this.frame);
    decoded.on((reply) => this.onDecoded(reply), signal);
    signal.addEventListener("abort", () => this.cleanUp());
  }

  /** Whether the live channel can decode the code under the cursor. */
  get live() {
    return Boolean(this.channel?.open && this.channel.model === this.data.model);
  }

  /** The code was moved. @param {import("./types").Decoded} reply */
  onDecoded({ model, cursor, sample, answered }) {
    if (!this.data || model !== this.data.model) return;
    this.drags.acknowledge(answered);
    if (this.dragging || !this.clicks.settled) return;
    [this.cursor, this.selected] = [cursor, sample];
    if (this.drawn) this.place();
  }

  /** @param {import("./types").MapData} data @param {import("./types").Send} send */
  async update(data, send) {
    if (!this.data) this.backdropOn = data.backdrop_on;
    this.send = send;
    this.data = data;
    this.channel = liveChannel(data.live);
    this.clicks.acknowledge(data.ack);
    this.drags.acknowledge(data.drag_ack);
    this.receiveCursor(data);
    this.root.style.setProperty("--height", `${data.height}px`);
    this.frame.ariaLabel = `${data.label}. Click or press arrow keys to move the code.`;
    this.tools.update(data, this.backdropOn);
    this.legend.update(data);
    this.colourBy.update(data);
    this.names.update(data.names);
    this.thumbnail.update(data);
    this.backdrop.update(data.backdrop).then((changed) => changed && this.placeBackdrop());
    if (this.marks.update(data.outline) && this.drawn) this.marks.drawOutline(this.axes);
    if (this.drawn) this.refresh();
    try {
      await this.draw();
      await this.fetchWeights();
      await this.recolour();
    } catch (error) {
      this.notify(/** @type {Error} */ (error));
    }
  }

  /**
   * Use Python's cursor if it is new (the sliders may have moved it since the last one) and if no
   * click is in flight (the reply to an older click would move the cursor back).
   * @param {import("./types").MapData} data
   */
  receiveCursor({ cursor, selected }) {
    const received = JSON.stringify([cursor, selected]);
    const isCurrent = (this.clicks.settled && !this.dragging) || !this.cursor;
    if (received === this.received || !isCurrent) return;
    [this.received, this.cursor, this.selected] = [received, cursor, selected];
  }

  /** Show why the map is not drawn; null removes the notice. @param {Error | null} error */
  notify(error) {
    this.notice.textContent = error && `The map could not be drawn: ${error.message}. Reload the page.`;
    this.notice.hidden = !error;
  }

  /** Load and draw the points when they or their axes have changed. */
  async draw() {
    const { points, count, plotly, axes, model } = this.data;
    const shape = JSON.stringify([points, axes]);
    if (shape === this.shape) return;
    this.shape = shape;
    try {
      const fetching = fetchPoints(points, count);
      fetching.catch(() => {}); // reported below, where it is awaited
      if (model) {
        preloadPlotly(plotly);
        await firstPicturePainted();
      }
      const [Plotly, found] = await Promise.all([loadPlotly(plotly), fetching]);
      await yieldToPainting();
      if (shape !== this.shape || this.signal.aborted) return;
      this.legend.load(found.labels);
      await this.colourBy.load(count).catch(() => {}); // the points are shown by class, then
      this.points.load(found, this.paintOf(found));
      [this.weights, this.view, this.viewSent] = [null, "", ""];
      const style = figureStyle(this.root, this.backdropShown);
      await drawFigure(Plotly, this.plot, this.data, style, (factor) => this.zoom.step(factor));
      await this.zoom.restore();
      if (!this.drawn) this.listenToPlotly();
    } catch (error) {
      if (shape === this.shape) this.shape = ""; // the next update tries again
      throw error;
    }
    await yieldToPainting();
    if (this.signal.aborted) return window.Plotly.purge(this.plot);
    this.drawn = true;
    this.notify(null);
    this.marks.drawOutline(this.axes);
    this.refresh();
  }

  listenToPlotly() {
    this.plot.on("plotly_relayout", (/** @type {object} */ change) => this.zoom.keep(change));
    for (const name of ["relayout", "relayouting", "afterplot"]) {
      this.plot.on(`plotly_${name}`, () => this.place());
    }
  }

  /** Fetch the opacity of each point. */
  async fetchWeights() {
    const { weights: url } = this.data;
    if (!this.drawn || url === this.weights) return;
    this.weights = url;
    try {
      const weights = url ? new Uint8Array(await fetchBytes(url, "the weights of the points")) : null;
      if (url === this.weights) this.points.setWeights(weights);
    } catch {
      this.weights = null; // the old weights stay, and the next update tries again
    }
  }

  get isDark() {
    return getComputedStyle(this.root).colorScheme === "dark";
  }

  /** Fetch the column that the points are coloured by, if it has changed, and colour them by it. */
  async recolour() {
    if (!this.drawn) return;
    const before = this.colourBy.painted?.column.url;
    await this.colourBy.load(this.data.count).catch(() => {}); // the points keep their colours
    if (before !== this.colourBy.painted?.column.url) this.colour();
  }

  /** Paint the points by class or column, and draw the legends. */
  colour() {
    if (!this.drawn) return;
    this.points.setPaint(this.paintOf(this.points.data));
    this.drawLegends();
    this.paint();
    this.placeMarks();
  }

  drawLegends() {
    this.legend.showColours(!this.colourBy.painted);
    this.colourBy.draw(this.isDark);
  }

  /** @param {import("./map_points.js").PointData} data */
  paintOf({ labels }) {
    const { hidden, entries } = this.legend;
    const { values, ends } = this.colourBy.painted?.loaded ?? {};
    if (!values || !ends) return classPaint(labels, entries, hidden);
    return valuePaint(values, ends, scaleColours(this.isDark), labels, hidden);
  }

  /** Apply the theme, the backdrop and the cursor. */
  refresh() {
    const change = figureStyle(this.root, this.backdropShown);
    const style = JSON.stringify(change);
    if (style !== this.style) {
      this.view = ""; // the points are painted for the theme, too
      this.colour();
      window.Plotly.relayout(this.plot, change);
    }
    this.style = style;
    this.place();
  }

  /** @param {"xaxis" | "yaxis"} name @returns {import("./map_axes.js").Axis} as plotted now */
  axis(name) {
    const { _offset: offset, _length: length, range } = this.plot._fullLayout[name];
    return { offset, length, low: range[0], high: range[1] };
  }

  /** @returns {import("./map_axes.js").Axes} */
  get axes() {
    return { across: this.axis("xaxis"), up: this.axis("yaxis") };
  }

  /** Place everything over the axes; points and backdrop only where these have changed. */
  place() {
    if (!this.plot._fullLayout?.xaxis) return;
    const { axes } = this;
    const view = JSON.stringify(axes);
    if (view !== this.view) {
      this.view = view;
      this.placeBoxes(axes);
      this.thumbnail.hide(); // its point has moved
      this.placeBackdrop();
      this.marks.drawOutline(axes);
      this.paint();
      this.sendViewSoon();
    }
    this.placeMarks(axes);
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => {
      this.names.load();
      this.thumbnail.load();
    }, IDLE);
  }

  /** @param {import("./map_axes.js").Axes} axes */
  placeBoxes({ across, up }) {
    for (const box of [this.overlay, this.backdrop.box]) {
      Object.assign(box.style, {
        left: `${across.offset}px`, top: `${up.offset}px`,
        width: `${across.length}px`, height: `${up.length}px`,
      });
    }
  }

  placeBackdrop() {
    this.backdrop.box.hidden = !this.backdropShown;
    if (this.drawn) this.backdrop.place(this.axes);
  }

  placeMarks(axes = this.axes) {
    const { selected, points, data } = this;
    const { labels } = points.data;
    const known = selected !== null && selected < labels.length;
    const point = known ? { place: points.place(selected), colour: points.colour(selected) } : null;
    const ellipse = selected === data.selected ? data.ellipse : null; // else that of another point
    const isLarge = this.marks.place(axes, this.cursor, point, ellipse);
    this.root.classList.toggle("roomy", isLarge);
  }

  paint() {
    if (!this.drawn) return;
    const [dark, byClass] = [this.isDark, !this.colourBy.painted];
    const hasGlyphs = byClass && this.legend.entries.some(({ glyph }) => glyph > 0);
    const style = pointStyle(this.data.count, this.backdropShown, hasGlyphs);
    this.points.draw({ ...this.axes, ...style, dark, rim: dark && byClass });
  }

  /** Whether there is a backdrop and it is switched on. */
  get backdropShown() {
    return Boolean(this.backdropOn && this.data.backdrop_label);
  }

  /** Request the backdrop of the visible range once a zoom or pan has ended. */
  sendViewSoon() {
    clearTimeout(this.viewTimer);
    if (!this.backdropShown || this.view === this.viewSent) return;
    this.viewTimer = setTimeout(() => (this.dragging ? this.sendViewSoon() : this.sendView()), VIEW_PAUSE);
  }

  sendView() {
    clearTimeout(this.viewTimer);
    const { axes } = this;
    this.viewSent = this.view;
    this.send("view", {
      range: rangeOf(axes), width: axes.across.length, axes: this.data.axes, backdrop_on: this.backdropOn,
    });
  }

  switchBackdrop() {
    this.backdropOn = !this.backdropOn;
    this.tools.markSwitch(this.backdropOn);
    if (!this.drawn) return;
    this.refresh();
    this.placeBackdrop();
    this.paint();
    this.sendView();
  }

  /** Select the points within a shape. @param {Point[]} corners */
  select(corners) {
    const polygon = corners.map((corner) => corner.map((value) => Number(value.toPrecision(6))));
    this.marks.outline = /** @type {Point[]} */ (polygon);
    this.marks.drawOutline(this.axes);
    const hidden = this.data.classes.filter((_, place) => this.legend.hidden.has(place)).map(({ label }) => label);
    this.send("shape", { polygon, hidden, serial: Date.now() });
  }

  resize() {
    cancelAnimationFrame(this.frameRequest);
    this.frameRequest = requestAnimationFrame(() => {
      if (this.drawn && this.frame.clientWidth) window.Plotly.Plots.resize(this.plot);
    });
  }

  /**
   * The position of a pointer within the axes.
   * @param {{ clientX: number, clientY: number }} event
   * @returns {import("./map_axes.js").Pixel}
   */
  pixelOf({ clientX, clientY }) {
    const box = this.overlay.getBoundingClientRect();
    return [clientX - box.left, clientY - box.top];
  }

  /** @param {number | null} index of the point under the pointer */
  showThumbnail(index) {
    if (index === null) return this.thumbnail.hide();
    const { points, data } = this;
    const { phrase } = data.classes[points.data.labels[index]];
    const number = `${data.noun} ${index.toLocaleString("en")}${phrase && `, ${phrase}`}`;
    const name = this.names.list[index] ?? number;
    this.thumbnail.show(index, name, this.colourBy.valueOf(index), this.axes, points.place(index));
  }

  /** Drag the code to a point; the picture is updated as replies arrive. @param {Point} point */
  drag(point) {
    this.dragging = true;
    this.thumbnail.hide();
    [this.cursor, this.selected] = [point, null];
    this.place();
    if (!this.live) return this.drags.push({ x: point[0], y: point[1] });
    this.channel?.hold();
    this.channel?.moveTo(point);
  }

  /** End a drag: the picture of its last point was requested already, the rest is drawn by a run. */
  endDrag() {
    this.dragging = false;
    this.root.classList.remove("dragging");
    this.drags.stop();
    this.channel?.release();
    if (this.cursor) this.sendClick(this.cursor, null);
  }

  /**
   * Move the code to a point, or to the code of a test sample.
   * @param {Point} point
   * @param {number | null} index
   * @param {number | null} [press] its number
   */
  moveTo(point, index, press = null) {
    this.cursor = point;
    this.place();
    if (this.live) this.channel?.moveTo(point, index); // the picture arrives before the script's run
    this.sendClick(point, index, press);
  }

  /** @param {Point} point @param {number | null} index @param {number | null} [press] */
  sendClick([x, y], index, press = null) {
    this.received = ""; // Python may reply with the same cursor as before
    this.clicks.push({ x, y, index, press });
  }

  /** Undo the presses of a double click. @param {import("./map_pointer.js").Press} press */
  undoPress({ cursor, selected, code, number }) {
    if (!cursor) return;
    [this.cursor, this.selected] = [cursor, selected];
    this.place();
    if (this.live && this.channel && code) {
      this.channel.code = code;
      this.channel.request({ by: "map", ...(selected !== null && { sample: selected }) });
    }
    this.clicks.push({ x: cursor[0], y: cursor[1], index: selected, press: number, back: true });
  }

  cleanUp() {
    this.clicks.stop();
    this.drags.stop();
    if (this.dragging) this.channel?.release();
    clearTimeout(this.viewTimer);
    clearTimeout(this.idleTimer);
    this.resizing.disconnect();
    if (this.drawn) window.Plotly.purge(this.plot);
  }
}

export default defineComponent("LatentMap", STYLE, (root, signal) => new LatentMap(root, signal));
