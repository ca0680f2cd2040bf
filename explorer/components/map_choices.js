// The visitor's choices on the map, kept while other pages and models are shown.

import { sharedOnce } from "./shared.js";

/**
 * @typedef {"code" | "box" | "lasso"} Mode what a drag does
 * @typedef {{
 *   hidden: Record<string, Set<number>>,
 *   chosen: Record<string, import("./map_classes.js").Chosen>,
 *   mode: Mode,
 *   colourBy: string | null,
 *   zooms: Record<string, import("./map_axes.js").Range>,
 * }} MapChoices by the names of the classes: labels that the legend hides, and classes that have
 *   colours; mode; the column that the points are coloured by, "" for their class and null where none
 *   was chosen; visible ranges by axes and points
 */

/** @returns {MapChoices} of this browser tab */
export const mapChoices = () => sharedOnce("Map", () => ({
  hidden: {}, chosen: {}, mode: /** @type {Mode} */ ("code"), colourBy: null, zooms: {},
}));
