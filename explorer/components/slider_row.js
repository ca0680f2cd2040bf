// One row of the sliders: name, range, number box, note.

import { element } from "./dom.js";
import { listenToRange } from "./slider_touch.js";
import { decimalsOf, fractionOf, parseNumber, refusal, steppedValue } from "./slider_values.js";

const REFUSAL_SHOWN = 6000; // ms
/** @type {Record<string, number>} */
const DIRECTIONS = { ArrowUp: 1, ArrowDown: -1 };

export class SliderRow {
  /**
   * @param {string} name
   * @param {{ low: number, high: number, step: number, noun: string, farthest: number }} data
   * @param {{ change: (value: number) => void, release: () => void }} owner callbacks for each
   *   change by the visitor, and for the end of a drag
   */
  constructor(name, data, owner) {
    this.data = data;
    this.owner = owner;
    this.value = 0;
    const { low: min, high: max, step, noun } = data;
    this.rest = Math.min(max, Math.max(min, 0)); // the value nearest to 0
    const title = `Double click: set to ${this.rest}`;
    const label = element("span", { className: "name", textContent: name, title });
    this.range = element("input", { type: "range", min, max, step, title });
    this.range.ariaLabel = noun ? `${name}, ${noun}` : name;
    this.strip = element("span", { className: "underlay", hidden: true });
    this.why = element("span", { className: "why", role: "status" });
    this.number = element("input", {
      type: "text", inputMode: "decimal", className: "number", autocomplete: "off", ariaLabel: `${name}, value`,
    });
    this.note = element("span", { className: "note" });
    this.weight = element("span", { className: "weight" });
    this.line = element("div", { className: "row" }, label,
      element("div", { className: "rail" }, this.strip, this.range, this.why), this.number,
      element("span", { className: "aside" }, this.note, this.weight));
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.hiding = undefined;
    this.line.style.setProperty("--zero", String(fractionOf(0, data)));
    this.listen(label);
  }

  /** @param {HTMLElement} label */
  listen(label) {
    const { range, number, owner } = this;
    listenToRange(range, {
      value: () => this.value,
      draw: () => this.draw(),
      change: (value) => this.change(value),
    });
    // A browser may send no "change" where a drag ends at the value that it started with.
    for (const name of ["change", "pointerup", "pointercancel", "blur"]) {
      range.addEventListener(name, () => owner.release());
    }
    for (const target of [range, label]) target.addEventListener("dblclick", () => this.set(this.rest));
    number.addEventListener("focus", () => number.select());
    number.addEventListener("change", () => this.enter(number.value));
    number.addEventListener("keydown", (event) => this.onKey(event));
    number.addEventListener("input", () => this.hideRefusal());
  }

  /** @param {KeyboardEvent} event in the number box */
  onKey(event) {
    const { number } = this;
    const direction = DIRECTIONS[event.key];
    if (direction) {
      event.preventDefault();
      this.set(steppedValue(this.value, { ...this.data, direction, shift: event.shiftKey }));
    } else if (event.key === "Enter") {
      this.enter(number.value);
      number.select();
    } else if (event.key === "Escape") {
      this.draw();
      number.blur();
    }
  }

  /** @param {string} text that was typed into the number box */
  enter(text) {
    if (text === this.text) return;
    const why = refusal(text, this.data.farthest);
    if (!why) return this.set(parseNumber(text));
    this.draw();
    this.why.textContent = why;
    clearTimeout(this.hiding);
    this.hiding = setTimeout(() => this.hideRefusal(), REFUSAL_SHOWN);
  }

  hideRefusal() {
    clearTimeout(this.hiding);
    this.why.textContent = "";
  }

  /** Change the value, followed by a release. @param {number} value */
  set(value) {
    this.change(value);
    this.owner.release();
  }

  /** @param {number} value */
  change(value) {
    this.hideRefusal();
    this.draw(value);
    this.owner.change(value);
  }

  get text() {
    return this.value.toFixed(decimalsOf(this.data.step));
  }

  /** The thumb stops at the ends of the range; the number does not. */
  draw(value = this.value) {
    this.value = value;
    const { low, high } = this.data;
    this.range.value = String(value);
    this.range.setAttribute("aria-valuetext", this.text);
    this.number.value = this.text;
    this.line.style.setProperty("--at", String(fractionOf(value, this.data)));
    this.line.classList.toggle("beyond", value < low || value > high);
  }

  /** @param {string | undefined} note @param {number | undefined} weight @param {boolean} bare */
  describe(note, weight, bare) {
    this.note.textContent = note ?? "";
    this.weight.style.setProperty("--weight", String(weight ?? 0));
    this.line.classList.toggle("bare", bare);
  }
}
