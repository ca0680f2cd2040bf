// What the points are coloured by: their class or a column of values, whose scale is shown beside the
// choice. Columns are fetched when they are first chosen.

import { element } from "./dom.js";
import { mapChoices } from "./map_choices.js";
import { scaleColours, scaleEnds, scaleTicks, valueText } from "./map_scale.js";
import { fetchBytes } from "./urls.js";

/** @typedef {import("./types").MapData["columns"][number]} Column */
/** @typedef {{ values: Float32Array, ends: [number, number] | null }} Loaded */

export class ColourBy {
  /** @param {() => void} onChange called when the points have other colours */
  constructor(onChange) {
    this.onChange = onChange;
    this.select = element("select", { ariaLabel: "Colour by" });
    this.select.addEventListener("change", () => this.choose(this.select.value));
    this.label = element("label", {}, element("span", { textContent: "Colour by" }), this.select);
    this.bar = element("div", { className: "bar" });
    this.ticks = element("div", { className: "ticks" });
    this.unit = element("span", { className: "unit" });
    this.scale = element("div", { className: "scale", hidden: true },
      element("div", {}, this.bar, this.ticks), this.unit);
    this.scale.setAttribute("role", "img");
    this.box = element("div", { className: "map-foot" }, this.label, this.scale);
    /** @type {Column[]} */
    this.columns = [];
    this.byClass = "Class"; // the name of the first choice
    this.hasClasses = true;
    this.shown = "";
    /** @type {Map<string, Promise<Loaded>>} */
    this.loading = new Map(); // by URL
    /** @type {{ column: Column, loaded: Loaded } | null} */
    this.painted = null; // the column that the points are coloured by; null: by class
  }

  /** @param {import("./types").MapData} data */
  update({ columns, classes }) {
    this.columns = columns;
    this.hasClasses = classes.length > 1;
    this.label.hidden = !columns.length;
    const shown = JSON.stringify([columns.map(({ name }) => name), this.hasClasses]);
    if (shown !== this.shown) {
      const first = element("option", { value: "", textContent: this.hasClasses ? "Class" : "One colour" });
      const names = columns.map(({ name }) => element("option", { value: name, textContent: name }));
      this.select.replaceChildren(first, ...names);
    }
    this.shown = shown;
    this.markChoice();
  }

  markChoice() {
    this.select.value = this.column?.name ?? "";
    this.select.title = this.column?.help ?? "";
  }

  /** The chosen column; at first the first one, where there are no classes. */
  get column() {
    const { colourBy } = mapChoices();
    const found = this.columns.find(({ name }) => name === colourBy);
    return found ?? (this.hasClasses || colourBy === "" ? undefined : this.columns[0]);
  }

  /** @param {string} name of a column; "" for the classes */
  choose(name) {
    mapChoices().colourBy = name;
    this.markChoice();
    this.onChange();
  }

  /** Fetch the chosen column. Rejects where it cannot be fetched. @param {number} count of points */
  async load(count) {
    const { column } = this;
    if (!column) return (this.painted = null);
    const { url } = column;
    if (!this.loading.has(url)) this.loading.set(url, fetchColumn(column, count));
    try {
      const loaded = await /** @type {Promise<Loaded>} */ (this.loading.get(url));
      if (column === this.column) this.painted = { column, loaded };
    } catch (error) {
      this.loading.delete(url); // the next choice tries again
      throw error;
    }
  }

  /** Draw the scale of the painted column. @param {boolean} dark */
  draw(dark) {
    const { painted } = this;
    const ends = painted?.loaded.ends;
    this.scale.hidden = !ends;
    if (!painted || !ends) return;
    const colours = scaleColours(dark).filter((_, level) => level % 15 === 0);
    this.bar.style.background = `linear-gradient(to right, ${colours.map((colour) => `rgb(${colour.join(" ")})`)})`;
    const ticks = scaleTicks(ends);
    this.ticks.replaceChildren(...ticks.map(({ text, share }) => {
      const tick = element("span", { textContent: text });
      tick.style.left = `${100 * share}%`;
      return tick;
    }));
    const { name, unit, help } = painted.column;
    this.unit.textContent = unit;
    const range = ends.map((end) => valueText(end, (ends[1] - ends[0]) / 100)).join(" to ");
    this.scale.title = `${help && `${help}. `}From the 1st to the 99th percentile; values beyond have the colour of the end`;
    this.scale.ariaLabel = `${name} from ${range} ${unit}`;
  }

  /** The value of a point in the painted column, "" where it is unknown. @param {number} index */
  valueOf(index) {
    const value = this.painted?.loaded.values[index];
    if (!this.painted || value === undefined || !Number.isFinite(value)) return "";
    const { column: { name, unit }, loaded: { ends } } = this.painted;
    return `${name} ${valueText(value, ends ? (ends[1] - ends[0]) / 50 : 0.01)} ${unit}`.trim();
  }
}

/** @param {Column} column @param {number} count of points @returns {Promise<Loaded>} */
async function fetchColumn({ url, name }, count) {
  const buffer = await fetchBytes(url, `the column ${name}`);
  if (buffer.byteLength !== 4 * count) throw new Error(`the column ${name} has ${buffer.byteLength} bytes`);
  const values = new Float32Array(buffer);
  return { values, ends: scaleEnds(values) };
}
