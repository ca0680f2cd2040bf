// A strip of images for each latent dimension, or one of the same dimension for each value of a
// categorical block, with a mark at the current code. A click on a tile moves the code there.

import { defineComponent } from "./component.js";
import { element, navigateByKeys } from "./dom.js";
import { decoded } from "./events.js";
import { makeFlow } from "./flow.js";
import { setStripBackground, showStrips } from "./strips.js";
import STYLE from "./traversals.css.js";
import { markOf, stepValue } from "./traversal_steps.js";
import { absolute } from "./urls.js";

/** @type {Record<string, number>} */
const KEYS = { ArrowLeft: -1, ArrowRight: 1 };

/**
 * The row of a code's value in the categorical block; null where the rows are dimensions.
 * @param {import("./types").TraversalsData} data
 * @param {number[]} z
 */
function rowOf({ choice }, z) {
  const shares = choice.map((dim) => z[dim]);
  return shares.length ? shares.indexOf(Math.max(...shares)) : null;
}

class Traversals {
  /** @param {HTMLElement} root @param {AbortSignal} signal */
  constructor(root, signal) {
    this.list = element("div", { className: "strips" });
    root.append(this.list);
    /** @type {import("./types").TraversalsData | null} */
    this.data = null;
    /** @type {ReturnType<Traversals["makeRow"]>[]} */
    this.rows = [];
    this.shape = "";
    /** @type {import("./types").Send} */
    this.send = () => {};
    this.flow = makeFlow((click, serial) => this.send("click", { ...click, serial }));
    signal.addEventListener("abort", () => this.flow.stop());
    decoded.on(({ model, z }) => {
      if (model === this.data?.model) this.mark(this.data.dims.map((dim) => z[dim]), rowOf(this.data, z));
    }, signal);
  }

  /** @param {import("./types").TraversalsData} data @param {import("./types").Send} send */
  update(data, send) {
    this.send = send;
    this.data = data;
    this.flow.acknowledge(data.ack);
    const { dims, names, steps, ranges, aspect, column } = data;
    const shape = JSON.stringify([dims, names, steps, ranges, aspect, column]);
    if (shape !== this.shape) this.rows = data.dims.map((_, place) => this.makeRow(data, place));
    if (shape !== this.shape) this.list.replaceChildren(...this.rows.map((row) => row.line));
    this.shape = shape;
    const sheet = `url("${absolute(data.sheet)}")`;
    this.rows.forEach(({ tiles }, row) => setStripBackground(tiles, sheet, row, this.rows.length));
    this.mark(data.values, data.row);
    if (!data.choice.length) showStrips({ model: data.model, sheet, dims, steps, aspect });
  }

  /** @param {import("./types").TraversalsData} data @param {number} place of the row */
  makeRow(data, place) {
    const [dim, steps] = [data.dims[place], data.steps];
    const [low, high] = data.ranges[place];
    const scale = { low, high, steps };
    const name = data.names[place];
    const varied = data.column ? `${name}, ${data.column}` : name;
    const tiles = element("div", { className: "tiles" });
    tiles.style.aspectRatio = `${steps * data.aspect} / 1`;
    const line = element("div", { className: "strip" }, element("span", { textContent: name, title: name }), tiles);
    const mark = element("b");
    for (let step = 0; step < steps; step += 1) {
      const value = stepValue(scale, step);
      const label = `${varied} = ${value.toFixed(high - low < 3 ? 2 : 1)}`;
      const tile = element("button", { type: "button", tabIndex: -1, ariaLabel: label, title: label });
      tile.addEventListener("click", () => this.flow.push({ dim, value, row: place }));
      tiles.append(tile);
    }
    navigateByKeys(tiles, (key) => KEYS[key]);
    tiles.append(mark);
    return { line, tiles, mark, scale, nearest: -1 };
  }

  /**
   * @param {number[]} values of the code in the dimensions shown
   * @param {number | null} current the only row with a mark; null: all have one
   */
  mark(values, current) {
    values.forEach((value, place) => {
      const row = this.rows[place];
      row.mark.hidden = current !== null && place !== current;
      const { fraction, nearest } = markOf(row.scale, value);
      row.mark.style.left = `${100 * fraction}%`;
      if (nearest === row.nearest) return; // the usual case during a drag
      const tiles = /** @type {HTMLCollectionOf<HTMLElement>} */ (row.tiles.children);
      if (row.nearest >= 0) tiles[row.nearest].tabIndex = -1;
      tiles[nearest].tabIndex = 0;
      row.nearest = nearest;
    });
  }
}

export default defineComponent("Traversals", STYLE, (root, signal) => new Traversals(root, signal));
