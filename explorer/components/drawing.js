// A canvas for mouse, pen or finger: white strokes on near black, as MNIST has them.

import { defineComponent } from "./component.js";
import { element } from "./dom.js";
import STYLE from "./drawing.css.js";
import { makeFlow } from "./flow.js";

const BACKGROUND = "#0b0e11";
const INK = "#ffffff";

/** @typedef {[number, number][]} Stroke in pixels of the canvas */

class Drawing {
  /** @param {HTMLElement} root @param {AbortSignal} signal */
  constructor(root, signal) {
    /** @type {Stroke[]} */
    this.strokes = [];
    /** @type {Stroke | null} */
    this.active = null; // the stroke being drawn
    this.pointer = -1;
    this.pen = 0;
    this.revision = NaN;
    /** @type {import("./types").Send} */
    this.send = () => {};
    this.canvas = element("canvas", { tabIndex: 0, ariaLabel: "Canvas: draw with mouse, pen or finger" });
    this.canvas.setAttribute("role", "img");
    this.hint = element("span", { className: "hint", textContent: "" });
    this.undo = element("button", { type: "button", textContent: "Undo", ariaLabel: "Undo the last stroke" });
    this.clear = element("button", { type: "button", textContent: "Clear", ariaLabel: "Clear the drawing" });
    this.box = element("div", { className: "drawing" },
      element("div", { className: "paper" }, this.canvas, this.hint),
      element("div", { className: "buttons" }, this.undo, this.clear));
    root.append(this.box);
    this.flow = makeFlow((ink, serial) => {
      this.send("ink", { ...ink, serial, revision: this.revision });
    });
    signal.addEventListener("abort", () => this.flow.stop());
    this.listen();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (this.active || event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.pointer = event.pointerId;
      this.active = [this.locate(event)];
      this.strokes.push(this.active);
      this.paint();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.active || event.pointerId !== this.pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length ? events : [event]) this.active.push(this.locate(each));
      this.paint();
    });
    for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
      canvas.addEventListener(name, (event) => {
        if (!this.active || event.pointerId !== this.pointer) return;
        this.active = null;
        this.sendImage();
      });
    }
    canvas.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "z") this.undo.click();
      else if (event.key === "Delete" || event.key === "Backspace") this.clear.click();
      else return;
      event.preventDefault();
    });
    this.undo.addEventListener("click", () => this.replace(this.strokes.slice(0, -1)));
    this.clear.addEventListener("click", () => this.replace([]));
  }

  /** @param {import("./types").DrawingData} data @param {import("./types").Send} send */
  update(data, send) {
    this.send = send;
    this.flow.acknowledge(data.ack);
    this.pen = data.pen;
    this.hint.textContent = `draw a ${data.noun}`;
    if (this.canvas.width !== data.size) {
      this.canvas.width = this.canvas.height = data.size;
      this.box.style.setProperty("--size", `${data.size}px`);
    }
    // A new instance, after a visit to another page, starts from what Python has kept.
    if (data.clear_revision !== this.revision) this.strokes = [...data.strokes];
    this.revision = data.clear_revision;
    this.paint();
  }

  /**
   * Where a pointer is, in pixels of the canvas; on a narrow page these differ from the screen's.
   * @param {PointerEvent} event
   * @returns {[number, number]}
   */
  locate(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / box.width;
    const round = (/** @type {number} */ length) => Math.round(10 * length * scale) / 10;
    return [round(event.clientX - box.left), round(event.clientY - box.top)];
  }

  /** @param {Stroke[]} strokes */
  replace(strokes) {
    if (!this.strokes.length) return;
    this.strokes = strokes;
    this.paint();
    this.sendImage();
  }

  sendImage() {
    const { strokes } = this;
    const png = strokes.length ? this.canvas.toDataURL("image/png").split(",")[1] : null;
    this.flow.push({ png, strokes });
  }

  paint() {
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    context.fillStyle = BACKGROUND;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.strokeStyle = context.fillStyle = INK;
    context.lineWidth = this.pen;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.strokes) this.paintStroke(context, stroke);
    this.hint.hidden = this.strokes.length > 0;
    this.undo.disabled = this.clear.disabled = this.strokes.length === 0;
  }

  /** @param {CanvasRenderingContext2D} context @param {Stroke} stroke */
  paintStroke(context, stroke) {
    context.beginPath();
    if (stroke.length === 1) {
      context.arc(...stroke[0], this.pen / 2, 0, 2 * Math.PI);
      context.fill();
      return;
    }
    context.moveTo(...stroke[0]);
    // Curves through the midpoints of the segments, so that no corners are seen between samples.
    for (let i = 1; i < stroke.length - 1; i += 1) {
      const [x, y] = stroke[i];
      context.quadraticCurveTo(x, y, (x + stroke[i + 1][0]) / 2, (y + stroke[i + 1][1]) / 2);
    }
    context.lineTo(...stroke[stroke.length - 1]);
    context.stroke();
  }
}

export default defineComponent("Drawing", STYLE, (root, signal) => new Drawing(root, signal));
