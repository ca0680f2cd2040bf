// An image under the points that covers a range of the data. The old image stays until the new one
// is decoded.

import { element } from "./dom.js";
import { toPixels } from "./map_axes.js";
import { absolute } from "./urls.js";

export class Backdrop {
  constructor() {
    this.box = element("div", { className: "backdrop", ariaHidden: "true" });
    this.received = "";
    /** @type {HTMLImageElement | null} */
    this.image = null;
    /** @type {import("./map_axes.js").Range} */
    this.range = [0, 1, 0, 1];
  }

  /**
   * @param {import("./types").MapData["backdrop"]} backdrop
   * @returns {Promise<boolean>} whether the image has changed, once it is decoded
   */
  async update(backdrop) {
    const received = JSON.stringify(backdrop);
    if (received === this.received) return false;
    this.received = received;
    const image = backdrop && element("img", { src: absolute(backdrop.url), alt: "" });
    const decoded = await image?.decode().then(() => true, () => false);
    if (received !== this.received) return false; // a newer one was received meanwhile
    if (decoded === false) {
      this.received = ""; // the next update tries again
      return false;
    }
    if (backdrop) this.range = backdrop.range;
    this.image = image;
    this.box.replaceChildren(...(image ? [image] : []));
    return true;
  }

  /** @param {import("./map_axes.js").Axes} axes */
  place(axes) {
    if (!this.image) return;
    const [left, right, bottom, top] = this.range;
    const [x0, y0] = toPixels(axes, [left, top]);
    const [x1, y1] = toPixels(axes, [right, bottom]);
    Object.assign(this.image.style, {
      left: `${x0}px`, top: `${y0}px`, width: `${x1 - x0}px`, height: `${y1 - y0}px`,
    });
  }
}
