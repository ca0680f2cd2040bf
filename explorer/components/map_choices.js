// What the visitor chose on the map. It outlives the map, because other pages and models are shown
// in between.

import { sharedOnce } from "./shared.js";

/**
 * @typedef {"code" | "box" | "lasso"} Mode what a drag does
 * @typedef {{
 *   hidden: Set<number>,
 *   mode: Mode,
 *   zooms: Record<string, import("./map_axes.js").Range>,
 * }} MapChoices labels that the legend hides; mode; ranges by the axes and points that they are of
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
 * The hidden labels after a double click in the legend: all but one, or none where that one was
 * shown alone. The first click of the two has hidden it by then.
 *
 * @param {Set<number>} hidden
 * @param {number} label
 * @param {number} count of labels
 */
export function isolated(hidden, label, count) {
  if (hidden.size === count) return new Set(/** @type {number[]} */ ([]));
  return new Set(Array.from({ length: count }, (_, each) => each).filter((each) => each !== label));
}
