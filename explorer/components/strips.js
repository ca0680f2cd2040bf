// The strips of a model's traversals, which the sliders of the same page show behind their rails.

import { strips as event } from "./events.js";
import { getShared, setShared } from "./shared.js";

/** @param {import("./types").Strips} strips */
export function showStrips(strips) {
  setShared("Strips", strips); // for components that are mounted later
  event.announce(strips);
}

/**
 * @param {(strips: import("./types").Strips) => void} listener
 * @param {AbortSignal} signal
 */
export function onStrips(listener, signal) {
  const shown = getShared("Strips");
  if (shown) listener(shown);
  event.on(listener, signal);
}

/**
 * Show one row of a sheet of rows as the background of a box.
 *
 * @param {HTMLElement} box
 * @param {string} sheet CSS image
 * @param {number} row
 * @param {number} rows
 */
export function setStripBackground(box, sheet, row, rows) {
  box.style.backgroundImage = sheet;
  box.style.backgroundSize = `100% ${100 * rows}%`;
  box.style.backgroundPositionY = rows > 1 ? `${(100 * row) / (rows - 1)}%` : "0";
}
