// Pointers and keys on the map, because Plotly's events exist only for points.

import { clamp, extendShape, isWithin, movedBy, nearestPoint, toUnits } from "./map_axes.js";

const CLICK_TOLERANCE = 5; // px that a pointer may move between press and release of a click
/** @type {Record<string, number>} */
const REACH = { mouse: 8, pen: 12, touch: 16 }; // px from a point within which it is hit
/** @type {Record<string, readonly [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const DOUBLE_CLICK = 1000; // ms from the first press to the end of a double click, at most
const KEY_STEP = 0.01; // share of the visible range by which an arrow key moves the code
const LARGE_KEY_STEP = 0.05; // with shift
const KEY_RELEASE = 150; // ms without an arrow key, after which the move has ended

/**
 * @typedef {{
 *   move: (event: PointerEvent) => void,
 *   end: (released: boolean) => void,
 *   cancel?: () => void,
 * }} Gesture a drag; `cancel` discards it
 * @typedef {{
 *   time: number, x: number, y: number, number: number,
 *   cursor: import("./map_axes.js").Point | null, selected: number | null, code: number[] | undefined,
 * }} Press its time, place and number, and the state before it
 */

export class Pointer {
  /** @param {import("./latent_map.js").LatentMap} map */
  constructor(map) {
    this.map = map;
    this.interrupt = () => {}; // ends the current press
    /** @type {Press | null} */
    this.pressed = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.keyTimer = undefined;
    const { frame } = map;
    frame.addEventListener("pointerdown", (event) => this.press(event), true);
    frame.addEventListener("mousedown", (event) => this.withholdFromPlotly(event), true);
    frame.addEventListener("dblclick", (event) => this.doubleClick(event));
    frame.addEventListener("pointermove", (event) => this.hover(event));
    frame.addEventListener("keydown", (event) => this.onKey(event));
    frame.addEventListener("pointerleave", () => map.thumbnail.hide());
    map.signal.addEventListener("abort", () => clearTimeout(this.keyTimer));
  }

  /** @param {PointerEvent} event */
  press(event) {
    const { map } = this;
    if (!map.drawn || !event.isPrimary || event.button !== 0 || isOnModeBar(event)) return;
    this.endKeys();
    this.interrupt(); // a press whose release was lost, outside the window for example
    const gesture = isWithin(map.axes, map.pixelOf(event)) ? this.gesture(event) : null;
    let moved = false;
    const listening = new AbortController();
    const move = (/** @type {PointerEvent} */ now) => {
      moved ||= Math.hypot(now.clientX - event.clientX, now.clientY - event.clientY) >= CLICK_TOLERANCE;
      if (moved) gesture?.move(now);
    };
    const end = (/** @type {PointerEvent | null} */ up) => {
      listening.abort();
      this.interrupt = () => {};
      const released = up?.type === "pointerup";
      if (moved) return gesture?.end(released);
      gesture?.cancel?.();
      if (up && released) this.click(up);
    };
    this.interrupt = () => end(null);
    map.signal.addEventListener("abort", () => listening.abort(), { signal: listening.signal });
    // On the window, because Plotly covers the page with an element while a button is pressed.
    const options = { capture: true, signal: listening.signal };
    window.addEventListener("pointermove", move, options);
    window.addEventListener("pointerup", end, options);
    window.addEventListener("pointercancel", end, options);
    window.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape" || !gesture?.cancel) return;
      listening.abort();
      gesture.cancel();
    }, options);
  }

  /**
   * The effect of a drag; null where Plotly handles it. With shift it pans the map. A finger must
   * drag the cursor itself, because elsewhere it scrolls the page, unless a shape is drawn.
   * @param {PointerEvent} event
   * @returns {Gesture | null}
   */
  gesture(event) {
    const { map } = this;
    if (event.shiftKey) return null;
    const { mode } = map.tools;
    if (mode !== "code") return this.drawing(event, mode);
    const onCursor = event.pointerType !== "touch" || event.target === map.marks.handle;
    if (!map.data.draggable || !onCursor) return null;
    return { move: (now) => this.drag(now), end: () => map.endDrag() };
  }

  /** Keep Plotly from zooming into a box while the code is dragged or a shape drawn. @param {MouseEvent} event */
  withholdFromPlotly(event) {
    const { map } = this;
    if (!map.drawn || !this.handlesDrags || event.shiftKey || event.button !== 0) return;
    if (!isOnModeBar(event) && isWithin(map.axes, map.pixelOf(event))) event.stopPropagation();
  }

  get handlesDrags() {
    return this.map.data.draggable || this.map.tools.mode !== "code";
  }

  /** A double click resets the view; its two presses are undone. @param {MouseEvent} event */
  doubleClick(event) {
    const { map, pressed } = this;
    if (!map.drawn || isOnModeBar(event)) return;
    this.pressed = null;
    if (pressed && event.timeStamp - pressed.time < DOUBLE_CLICK) map.undoPress(pressed);
    if (this.handlesDrags) map.zoom.show(map.data.range); // otherwise Plotly handles the event
  }

  /** @param {PointerEvent} event */
  drag(event) {
    const { map } = this;
    map.root.classList.add("dragging");
    map.drag(toUnits(map.axes, clamp(map.axes, map.pixelOf(event))));
  }

  /**
   * A box or a lasso.
   * @param {PointerEvent} event
   * @param {"box" | "lasso"} mode
   * @returns {Gesture}
   */
  drawing(event, mode) {
    const { map } = this;
    let corners = [clamp(map.axes, map.pixelOf(event))];
    map.thumbnail.hide();
    map.dragging = true; // no thumbnail is shown meanwhile
    const finish = () => {
      map.dragging = false;
      map.marks.drawOutline(map.axes);
    };
    return {
      move: (now) => {
        corners = extendShape(mode, corners, clamp(map.axes, map.pixelOf(now)));
        map.marks.drawShape(corners, true);
      },
      end: (released) => {
        finish();
        if (released && corners.length > 2) map.select(corners.map((corner) => toUnits(map.axes, corner)));
      },
      cancel: finish,
    };
  }

  /** @param {PointerEvent} event */
  click(event) {
    const { map } = this;
    const pixel = map.pixelOf(event);
    if (!isWithin(map.axes, pixel)) return;
    const { number } = this.notePress(event);
    const index = this.pointAt(pixel, event.pointerType);
    map.moveTo(index === null ? toUnits(map.axes, pixel) : map.points.place(index), index, number);
  }

  /**
   * The state before this press; for the second press of a double click, before the first.
   * @param {PointerEvent} event
   */
  notePress({ timeStamp: time, clientX: x, clientY: y }) {
    const { map, pressed } = this;
    const again = pressed && time - pressed.time < DOUBLE_CLICK
      && Math.hypot(x - pressed.x, y - pressed.y) < CLICK_TOLERANCE;
    if (again) return pressed;
    const { cursor, selected, channel } = map;
    this.pressed = { time, x, y, cursor, selected, code: channel?.code, number: Date.now() };
    return this.pressed;
  }

  /** @param {import("./map_axes.js").Pixel} pixel @param {string} pointerType */
  pointAt(pixel, pointerType) {
    const { axes, points, legend } = this.map;
    return nearestPoint(points.data, axes, legend.hidden, pixel, REACH[pointerType] ?? REACH.mouse);
  }

  /** @param {PointerEvent} event */
  hover(event) {
    const { map } = this;
    if (!map.drawn || map.dragging || event.pointerType === "touch" || event.buttons) return;
    const pixel = map.pixelOf(event);
    const onMap = isWithin(map.axes, pixel) && !isOnModeBar(event);
    map.showThumbnail(onMap ? this.pointAt(pixel, "mouse") : null);
  }

  /** @param {KeyboardEvent} event */
  onKey(event) {
    const { map } = this;
    const direction = ARROWS[event.key];
    if (event.target !== map.frame || !map.drawn || !direction || !map.cursor) return;
    event.preventDefault();
    const share = event.shiftKey ? LARGE_KEY_STEP : KEY_STEP;
    const point = movedBy(map.axes, map.cursor, direction, share);
    if (!map.data.draggable) return map.moveTo(point, null);
    map.drag(point);
    clearTimeout(this.keyTimer);
    this.keyTimer = setTimeout(() => this.endKeys(), KEY_RELEASE);
  }

  /** End a move by arrow keys: a key that is held down is one step of Undo. */
  endKeys() {
    if (this.keyTimer === undefined) return;
    clearTimeout(this.keyTimer);
    this.keyTimer = undefined;
    this.map.endDrag();
  }
}

/** @param {Event} event */
const isOnModeBar = ({ target }) => Boolean(/** @type {Element} */ (target).closest(".modebar"));
