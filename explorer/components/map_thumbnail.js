// The name of the point under the pointer, and its images where there are sheets of them.

import { element } from "./dom.js";
import { thumbnailPlace, toPixels } from "./map_axes.js";
import { absolute } from "./urls.js";

const TILE = 56; // px of an image, twice that of the sheet: the style sheet has the same
const COLUMNS = 100; // of a sheet

export class Thumbnail {
  constructor() {
    this.box = element("div", { className: "thumb", hidden: true });
    this.name = element("b");
    /** @type {HTMLElement[]} */
    this.tiles = [];
    /** @type {number | null} */
    this.index = null;
    /** @type {[label: string, url: string][]} */
    this.sheets = [];
    this.loaded = false;
  }

  /** @param {[label: string, url: string][]} sheets */
  update(sheets) {
    if (JSON.stringify(sheets) === JSON.stringify(this.sheets)) return;
    [this.sheets, this.loaded] = [sheets, false];
    this.tiles = sheets.map(([title, url]) => {
      const tile = element("i", { title });
      tile.style.backgroundImage = `url("${absolute(url)}")`;
      return tile;
    });
    const figures = this.tiles.map((tile) =>
      element("figure", {}, tile, element("figcaption", { textContent: tile.title })));
    this.box.replaceChildren(this.name, ...figures);
  }

  hide() {
    this.index = null;
    this.box.hidden = true;
  }

  /**
   * @param {number} index of the point
   * @param {string} name
   * @param {import("./map_axes.js").Axes} axes
   * @param {import("./map_axes.js").Point} point
   */
  show(index, name, axes, point) {
    if (index === this.index) return;
    this.index = index;
    this.box.hidden = false;
    for (const tile of this.tiles) {
      tile.style.backgroundPosition =
        `${-TILE * (index % COLUMNS)}px ${-TILE * Math.floor(index / COLUMNS)}px`;
    }
    this.name.textContent = name;
    const size = /** @type {[number, number]} */ ([this.box.offsetWidth, this.box.offsetHeight]);
    const [left, top] = thumbnailPlace(axes, toPixels(axes, point), size);
    this.box.style.transform = `translate(${left}px, ${top}px)`;
  }

  /** Fetch and decode the sheets, which are large, before the first image is asked for. */
  async load() {
    if (this.loaded || !matchMedia("(hover: hover)").matches) return;
    this.loaded = true;
    for (const [, url] of this.sheets) {
      const sheet = element("img", { src: absolute(url) });
      await sheet.decode().catch(() => {}); // without its sheet a thumbnail still has its name
    }
  }
}
