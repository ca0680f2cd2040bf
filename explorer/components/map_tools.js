// The row above the map: the legend, the drag mode, the backdrop's switch.

import { element, svg } from "./dom.js";
import { mapChoices } from "./map_choices.js";

/** @typedef {import("./map_choices.js").Mode} Mode */

/** @type {Record<Mode, [label: string, title: string, icon: string]>} */
const MODES = {
  code: ["Move", "Click or drag to move the code", "M8 1v14M1 8h14M5 8a3 3 0 1 0 6 0 3 3 0 1 0-6 0"],
  box: ["Box", "Drag a box around NOUNS to see them", "M2 3.5h12v9h-12z"],
  lasso: [
    "Lasso",
    "Draw around NOUNS to see them",
    "M4.6 10.4C2.9 9.6 2 8.4 2 7c0-2.5 2.7-4.5 6-4.5S14 4.5 14 7s-2.7 4.5-6 4.5c-.6 0-1.2-.1-1.8-.2M6.2 11.3a1.7 1.7 0 1 0-1.6-.9c.9 1.5.6 3-.6 4.1",
  ],
};
const SHEET = "M2 2h5v5h-5zM9 2h5v5h-5zM2 9h5v5h-5zM9 9h5v5h-5z";

/** @param {string} path of an icon of 16 x 16 px */
const icon = (path) => {
  const drawing = svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" });
  drawing.append(svg("path", { d: path }));
  return drawing;
};

export class Tools {
  /**
   * @param {HTMLElement} legend
   * @param {{ onMode: (mode: Mode) => void, onSwitch: () => void }} handlers
   */
  constructor(legend, { onMode, onSwitch }) {
    this.onMode = onMode;
    this.modes = element("div", { className: "modes", ariaLabel: "What a drag on the map does" });
    this.modes.setAttribute("role", "group");
    this.selectable = false;
    this.switch = element("button", { type: "button", className: "switch" });
    this.switch.title = "What the codes under the points decode to";
    this.switch.addEventListener("click", onSwitch);
    this.drawModes();
    this.bar = element("div", { className: "map-bar" }, legend,
      element("div", { className: "tools" }, this.modes, this.switch));
  }

  get mode() {
    return this.selectable ? mapChoices().mode : "code";
  }

  /** @param {import("./types").MapData} data @param {boolean} backdropOn */
  update({ selectable, backdrop_label: label, nouns }, backdropOn) {
    this.selectable = selectable;
    this.modes.hidden = !selectable;
    this.switch.hidden = !label;
    this.switch.replaceChildren(icon(SHEET), label ?? "");
    for (const button of /** @type {Iterable<HTMLElement>} */ (this.modes.children)) {
      button.title = MODES[/** @type {Mode} */ (button.dataset.mode)][1].replace("NOUNS", nouns);
    }
    this.mark();
    this.markSwitch(backdropOn);
  }

  drawModes() {
    for (const [mode, [textContent, , path]] of Object.entries(MODES)) {
      const button = element("button", { type: "button", textContent });
      button.dataset.mode = mode;
      button.prepend(icon(path));
      button.addEventListener("click", () => {
        mapChoices().mode = /** @type {Mode} */ (mode);
        this.mark();
      });
      this.modes.append(button);
    }
  }

  mark() {
    for (const button of /** @type {Iterable<HTMLElement>} */ (this.modes.children)) {
      button.ariaPressed = String(button.dataset.mode === this.mode);
    }
    this.onMode(this.mode);
  }

  /** @param {boolean} on */
  markSwitch(on) {
    this.switch.ariaPressed = String(on);
  }
}
