// The visitor's choices on the map, kept while other pages and models are shown.

import { sharedOnce } from "./shared.js";

/**
 * @typedef {"code" | "box" | "lasso"} Mode what a drag does
 * @typedef {{
 *   hidden: Set<number>,
 *   mode: Mode,
 *   zooms: Record<string, import("./map_axes.js").Range>,
 * }} MapChoices labels that the legend hides; mode; visible ranges by axes and points
 */

/** @returns {MapChoices} of this browser tab */
export const mapChoices = () => sharedOnce("Map", () => ({ hidden: new Set(), mode: /** @type {Mode} */ ("code"), zooms: {} }));

/**
 * The hidden labels after a click in the legend.
 * @param {Set<number>} hidden
 * @param {number} label
 */
export function toggled(hidden, label) {
  const next = new Set(hidden);
  if (!next.delete(label)) next.add(label);
  return next;
}

/**
 * The hidden labels after a double click in the legend: all but one, or none where only that one was
 * visible, which the first of the two clicks has hidden.
 *
 * @param {Set<number>} hidden
 * @param {number} label
 * @param {number} count of labels
 */
export function isolated(hidden, label, count) {
  if (hidden.size === count) return new Set(/** @type {number[]} */ ([]));
  return new Set(Array.from({ length: count }, (_, each) => each).filter((each) => each !== label));
}
