// The legend of the classes, which is also a filter. Where the classes are too many, a box below it
// chooses those that have colours.

import { element } from "./dom.js";
import { mapChoices } from "./map_choices.js";
import { firstChosen, isolated, legendEntries, toggled, withChoice } from "./map_classes.js";

/** @typedef {import("./map_classes.js").Entry} Entry */

export class Legend {
  /** @param {() => void} onChange called when other points are shown, or in other colours */
  constructor(onChange) {
    this.onChange = onChange;
    this.box = element("div", { className: "legend" });
    this.box.setAttribute("role", "group");
    this.picker = element("select", { className: "picker", ariaLabel: "Classes with a colour" });
    this.picker.addEventListener("change", () => this.choose(Number(this.picker.value)));
    /** @type {Entry[]} */
    this.entries = [];
    /** @type {import("./types").MapData["classes"]} */
    this.classes = [];
    /** @type {string[]} */
    this.colours = [];
    this.key = ""; // of the choices
    this.shown = "";
  }

  get hidden() {
    return (mapChoices().hidden[this.key] ??= new Set());
  }

  /** Whether the visitor chooses which classes have colours. */
  get isChoice() {
    return this.classes.length > this.colours.length;
  }

  /** @param {import("./types").MapData} data */
  update({ classes, colours, nouns }) {
    Object.assign(this, { classes, colours });
    this.key = JSON.stringify(classes.map(({ name }) => name));
    this.box.ariaLabel = `${nouns[0].toUpperCase()}${nouns.slice(1)} shown on the map`;
    this.draw();
  }

  /** The most frequent classes have colours first. @param {Uint16Array} labels of the points */
  load(labels) {
    const known = this.classes.filter(({ label }) => label >= 0).length;
    if (this.isChoice) mapChoices().chosen[this.key] ??= firstChosen(labels, known, this.colours.length);
    this.draw();
  }

  /** @param {boolean} on whether the points are painted in the colours of the legend; else it only filters */
  showColours(on) {
    this.box.classList.toggle("plain", !on);
  }

  draw() {
    this.entries = legendEntries(this.classes, this.colours, mapChoices().chosen[this.key] ?? []);
    const shown = JSON.stringify(this.entries);
    if (shown !== this.shown) this.drawChips();
    this.shown = shown;
    this.mark();
  }

  drawChips() {
    const chips = this.entries.map((entry) => {
      const swatch = element("i", { className: `glyph-${entry.glyph}` });
      const name = element("span", { textContent: entry.name });
      const title = `${entry.title}. Click: hide or show. Double click: this one alone`;
      const chip = element("button", { type: "button", title, ariaLabel: entry.title }, swatch, name);
      chip.style.setProperty("--colour", entry.colour);
      chip.addEventListener("click", (event) => {
        if (event.detail < 2) this.filter(toggled(this.hidden, entry));
      });
      chip.addEventListener("dblclick", () => this.filter(isolated(this.hidden, entry, this.classes.length)));
      return chip;
    });
    this.box.hidden = chips.length < 2;
    this.box.classList.toggle("short", this.entries.length <= 12 && this.entries.every(({ name }) => name.length < 3));
    this.box.replaceChildren(...chips, ...(this.isChoice ? [this.picker] : []));
    this.drawPicker();
  }

  drawPicker() {
    const chosen = mapChoices().chosen[this.key] ?? [];
    const options = this.classes.flatMap(({ label, name }, place) => {
      const mark = chosen.includes(place) ? "\u2713 " : "";
      return label < 0 ? [] : [element("option", { value: String(place), textContent: mark + name })];
    });
    const head = element("option", { value: "", textContent: "Colour classes", selected: true, disabled: true });
    this.picker.replaceChildren(head, ...options);
  }

  /** Give a class a colour, or take it. @param {number} label */
  choose(label) {
    const { chosen } = mapChoices();
    chosen[this.key] = withChoice(chosen[this.key] ?? this.colours.map(() => null), label);
    this.hidden.delete(label);
    this.draw();
    this.onChange();
  }

  /** @param {Set<number>} hidden labels */
  filter(hidden) {
    mapChoices().hidden[this.key] = hidden;
    this.mark();
    this.onChange();
  }

  mark() {
    this.entries.forEach(({ labels }, place) => {
      const isHidden = labels.every((label) => this.hidden.has(label));
      this.box.children[place].ariaPressed = String(!isHidden);
    });
  }
}
