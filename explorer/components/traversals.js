// A strip of images for each latent dimension, with a mark at the current code. A click on a tile
// moves the code there.

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
      if (model === this.data?.model) this.mark(this.data.dims.map((dim) => z[dim]));
    }, signal);
  }

  /** @param {import("./types").TraversalsData} data @param {import("./types").Send} send */
  update(data, send) {
    this.send = send;
    this.data = data;
    this.flow.acknowledge(data.ack);
    const shape = JSON.stringify([data.dims, data.steps, data.ranges, data.aspect]);
    if (shape !== this.shape) this.rows = data.dims.map((_, place) => this.makeRow(data, place));
    if (shape !== this.shape) this.list.replaceChildren(...this.rows.map((row) => row.line));
    this.shape = shape;
    const sheet = `url("${absolute(data.sheet)}")`;
    this.rows.forEach(({ tiles }, row) => setStripBackground(tiles, sheet, row, this.rows.length));
    this.mark(data.values);
    const { model, dims, steps, aspect } = data;
    showStrips({ model, sheet, dims, steps, aspect });
  }

  /** @param {import("./types").TraversalsData} data @param {number} place of the dimension */
  makeRow(data, place) {
    const [dim, steps] = [data.dims[place], data.steps];
    const [low, high] = data.ranges[place];
    const scale = { low, high, steps };
    const name = `z${dim + 1}`;
    const tiles = element("div", { className: "tiles" });
    tiles.style.aspectRatio = `${steps * data.aspect} / 1`;
    const line = element("div", { className: "strip" }, element("span", { textContent: name }), tiles);
    const mark = element("b");
    for (let step = 0; step < steps; step += 1) {
      const value = stepValue(scale, step);
      const label = `${name} = ${value.toFixed(high - low < 3 ? 2 : 1)}`;
      const tile = element("button", { type: "button", tabIndex: -1, ariaLabel: label, title: label });
      tile.addEventListener("click", () => this.flow.push({ dim, value }));
      tiles.append(tile);
    }
    navigateByKeys(tiles, (key) => KEYS[key]);
    tiles.append(mark);
    return { line, tiles, mark, scale, nearest: -1 };
  }

  /** @param {number[]} values of the code in the dimensions shown */
  mark(values) {
    values.forEach((value, place) => {
      const row = this.rows[place];
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
