// A grey or coloured image on a canvas of its own size; the style sheet enlarges it without smoothing.

import { element } from "./dom.js";

/**
 * Copy the values of an image into RGBA pixels, whose alpha is 255 already.
 *
 * @param {Uint8ClampedArray} rgba of height x width pixels
 * @param {string} values of height x width x channels bytes, a character each
 * @param {number} channels 1 or 3
 */
export function fillPixels(rgba, values, channels) {
  for (let place = 0, from = 0; place < rgba.length; place += 4, from += channels) {
    for (let channel = 0; channel < 3; channel += 1) {
      rgba[place + channel] = values.charCodeAt(from + (channels === 1 ? 0 : channel));
    }
  }
}

export class ImageCanvas {
  constructor() {
    this.canvas = element("canvas", { width: 1, height: 1 }); // a square until the first image
    this.canvas.setAttribute("role", "img");
    this.context = this.canvas.getContext("2d");
    /** @type {ImageData | null} */
    this.image = null;
  }

  /** @param {import("./types").ImageView} view */
  paint({ pixels, size: [height, width, channels] }) {
    if (!this.context) return;
    if (this.image?.width !== width || this.image.height !== height) {
      Object.assign(this.canvas, { width, height });
      this.image = this.context.createImageData(width, height);
      this.image.data.fill(255);
    }
    fillPixels(this.image.data, atob(pixels), channels);
    this.context.putImageData(this.image, 0, 0);
  }
}
