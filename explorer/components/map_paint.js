// What each point of the map is painted with: four bytes, red, green, blue and its glyph. No DOM.

import { GREY } from "./map_classes.js";
import { levelOf } from "./map_scale.js";

export const HIDDEN = 255; // in place of a glyph
export const BEHIND = 254; // a disc before which all others are painted

/** @typedef {Uint8Array<ArrayBuffer>} Paint [N * 4] */

/** @param {string} colour "#rrggbb" @returns {import("./map_scale.js").RGB} */
const channels = (colour) => /** @type {import("./map_scale.js").RGB} */ (
  [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16)));

/**
 * The four bytes of each point by its row in a table, copied as one number, which is ten times as fast.
 *
 * @param {number[][]} table red, green, blue, glyph
 * @param {number} count of points
 * @param {(index: number) => number} rowOf
 * @returns {Paint}
 */
function painted(table, count, rowOf) {
  const rows = new Uint32Array(new Uint8Array(table.flat()).buffer);
  const paint = new Uint32Array(count);
  for (let index = 0; index < count; index += 1) paint[index] = rows[rowOf(index)];
  return new Uint8Array(paint.buffer);
}

/**
 * The points in the colours and glyphs of their classes.
 *
 * @param {Uint16Array} labels
 * @param {import("./map_classes.js").Entry[]} entries
 * @param {Set<number>} hidden labels
 */
export function classPaint(labels, entries, hidden) {
  /** @type {number[][]} */
  const table = [];
  for (const { colour, glyph, labels: own, behind } of entries) {
    for (const label of own) {
      table[label] = [...channels(colour), hidden.has(label) ? HIDDEN : behind ? BEHIND : glyph];
    }
  }
  return painted(table, labels.length, (index) => labels[index]);
}

/**
 * The points in the colours of a scale; those without a value are grey, behind the others.
 *
 * @param {Float32Array} values
 * @param {[number, number]} ends
 * @param {import("./map_scale.js").RGB[]} colours
 * @param {Uint16Array} labels
 * @param {Set<number>} hidden labels
 */
export function valuePaint(values, ends, colours, labels, hidden) {
  const table = [...colours.map((colour) => [...colour, 0]), [...channels(GREY), BEHIND], [0, 0, 0, HIDDEN]];
  const unknown = colours.length;
  return painted(table, labels.length, (index) => {
    if (hidden.has(labels[index])) return unknown + 1;
    return Number.isFinite(values[index]) ? levelOf(values[index], ends) : unknown;
  });
}

/** Whether some points are behind the others. @param {Paint} paint */
export function hasBehind(paint) {
  for (let place = 3; place < paint.length; place += 4) if (paint[place] === BEHIND) return true;
  return false;
}
