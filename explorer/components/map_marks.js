// The marks over the points: cursor, selected point with its posterior, shape around a selection.

import { element, svg } from "./dom.js";
import { toPixels } from "./map_axes.js";

const LARGE_ELLIPSE = 13; // px of the narrow semi-axis, beyond which the outer ellipse encloses the cursor

/** @typedef {import("./map_axes.js").Axes} Axes @typedef {import("./map_axes.js").Point} Point */

export class Marks {
  constructor() {
    this.ellipse = element("div", { className: "ellipse" });
    this.ring = element("div", { className: "ring" });
    this.handle = element("div", { className: "handle" }); // the target of touch drags
    this.cursor = element("div", { className: "cursor" }, this.handle);
    this.polygon = svg("polygon");
    this.sketch = svg("svg", { class: "sketch" });
    this.sketch.append(this.polygon);
    this.elements = [this.sketch, this.ellipse, this.ring, this.cursor];
    this.received = "";
    /** @type {Point[]} */
    this.outline = [];
  }

  /** Use Python's outline, if it has changed. @param {Point[] | null} outline */
  update(outline) {
    const received = JSON.stringify(outline);
    if (received === this.received) return false;
    this.received = received;
    this.outline = outline ?? [];
    return true;
  }

  /** Draw the outline of the selection. @param {Axes} axes */
  drawOutline(axes) {
    this.drawShape(this.outline.map((corner) => toPixels(axes, corner)), false);
  }

  /** @param {import("./map_axes.js").Pixel[]} corners @param {boolean} drawing whether it is still drawn */
  drawShape(corners, drawing) {
    this.polygon.setAttribute("points", corners.join(" "));
    this.sketch.classList.toggle("drawing", drawing);
  }

  /**
   * @param {Axes} axes
   * @param {Point | null} cursor
   * @param {{ place: Point, colour: string } | null} selected
   * @param {import("./types").Ellipse | null} ellipse
   * @returns {boolean} whether the ellipse replaces the cursor's ring
   */
  place(axes, cursor, selected, ellipse) {
    const put = (/** @type {HTMLElement} */ mark, /** @type {Point | null} */ point) => {
      mark.hidden = !point;
      if (!point) return;
      const [left, top] = toPixels(axes, point);
      mark.style.transform = `translate(${left}px, ${top}px)`;
    };
    put(this.cursor, cursor);
    put(this.ring, selected && selected.place);
    if (selected) this.ring.style.setProperty("--colour", selected.colour);
    put(this.ellipse, ellipse && [ellipse[0], ellipse[1]]);
    if (!ellipse) return false;
    const [, , first, second, angle] = ellipse;
    const { across } = axes;
    const scale = (2 * across.length) / (across.high - across.low);
    this.ellipse.style.width = `${first * scale}px`;
    this.ellipse.style.height = `${second * scale}px`;
    this.ellipse.style.transform += ` translate(-50%, -50%) rotate(${-angle}rad)`;
    return second * scale > LARGE_ELLIPSE;
  }
}
