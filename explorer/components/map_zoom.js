// The visible range of the map: changed by buttons and two fingers, kept while other pages are shown.

import { mapChoices } from "./map_choices.js";
import { rangeAround, rangeOf, toUnits, zoomAbout } from "./map_axes.js";

const MIN_DISTANCE = 20; // px between two fingers, below which they do not zoom further

export class Zoom {
  /** @param {import("./latent_map.js").LatentMap} map */
  constructor(map) {
    this.map = map;
    /** @type {{ point: import("./map_axes.js").Point, extent: number } | null} */
    this.pinched = null; // the point between two fingers and the distance of the fingers, in units
    // Not passive, because two fingers must not scroll the page; in the capture phase, because
    // Plotly would treat the second finger as a double click.
    const options = { passive: false, capture: true };
    for (const name of /** @type {const} */ (["touchstart", "touchmove", "touchend", "touchcancel"])) {
      map.frame.addEventListener(name, (event) => this.pinch(event), options);
    }
  }

  /** @param {import("./map_axes.js").Range} range */
  show([left, right, bottom, top]) {
    const change = { "xaxis.range": [left, right], "yaxis.range": [bottom, top] };
    return window.Plotly.relayout(this.map.plot, change);
  }

  /** @param {number} factor of the visible range's extent */
  step(factor) {
    const { axes, cursor } = this.map;
    this.show(zoomAbout(rangeOf(axes), factor, cursor));
  }

  /** Zoom and pan so that the point between two fingers stays between them. @param {TouchEvent} event */
  pinch(event) {
    const { map } = this;
    if (!map.drawn || event.touches.length !== 2) {
      this.pinched = null;
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const [[x0, y0], [x1, y1]] = [...event.touches].map((touch) => map.pixelOf(touch));
    /** @type {import("./map_axes.js").Pixel} */
    const middle = [(x0 + x1) / 2, (y0 + y1) / 2];
    const apart = Math.max(MIN_DISTANCE, Math.hypot(x0 - x1, y0 - y1));
    const { axes } = map;
    if (!this.pinched) {
      map.pointer.interrupt(); // the first of the two fingers is not a press
      const { low, high, length } = axes.across;
      this.pinched = { point: toUnits(axes, middle), extent: (apart * (high - low)) / length };
      return;
    }
    this.show(rangeAround(axes, this.pinched.point, middle, this.pinched.extent / apart));
  }

  get name() {
    return this.map.plot.layout.uirevision;
  }

  /** Store the visible range, if the change of Plotly's layout is a zoom. @param {object} change */
  keep(change) {
    const isZoom = Object.keys(change).some((name) => name.startsWith("xaxis.range"));
    if (isZoom) mapChoices().zooms[this.name] = rangeOf(this.map.axes);
  }

  /** Show the last visible range of the same points. */
  async restore() {
    const kept = mapChoices().zooms[this.name];
    if (kept) await this.show(kept);
  }
}
