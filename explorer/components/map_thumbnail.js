// The name of the point under the pointer, and its images where there are sprite sheets.

import { element } from "./dom.js";
import { thumbnailPlace, tileOf, toPixels } from "./map_axes.js";
import { absolute } from "./urls.js";

export class Thumbnail {
  constructor() {
    this.name = element("b");
    this.value = element("small");
    this.box = element("div", { className: "thumb", hidden: true }, this.name, this.value);
    /** @type {HTMLElement[]} */
    this.tiles = [];
    /** @type {number | null} */
    this.index = null;
    /** @type {import("./types").MapData["sheets"]} */
    this.sheets = [];
    this.size = { columns: 1, tiles: 1 }; // images in a row and in a sheet
    /** @type {import("./types").MapData["tile"]} */
    this.tile = [1, 1]; // width, height of an image in px
    this.loaded = false;
  }

  /** @param {import("./types").MapData} data */
  update({ sheets, tile: [width, height], sheet_size: size }) {
    [this.size, this.tile] = [size, [width, height]];
    if (JSON.stringify(sheets) === JSON.stringify(this.sheets)) return;
    [this.sheets, this.loaded] = [sheets, false];
    this.tiles = sheets.map(([title]) => {
      const tile = element("i", { title });
      const [wide, high, sheet] = [width, height, size.columns * width].map((length) => `${length}px`);
      Object.assign(tile.style, { width: wide, height: high, backgroundSize: `${sheet} auto` });
      return tile;
    });
    const figures = this.tiles.map((tile) =>
      element("figure", {}, tile, element("figcaption", { textContent: tile.title })));
    this.box.replaceChildren(this.name, this.value, ...figures);
  }

  hide() {
    this.index = null;
    this.box.hidden = true;
  }

  /**
   * @param {number} index of the point
   * @param {string} name
   * @param {string} value in the column that the points are coloured by, or ""
   * @param {import("./map_axes.js").Axes} axes
   * @param {import("./map_axes.js").Point} point
   */
  show(index, name, value, axes, point) {
    if (index === this.index) return;
    this.index = index;
    this.box.hidden = false;
    const [width, height] = this.tile;
    const { sheet, row, column } = tileOf(index, this.size);
    this.tiles.forEach((tile, kind) => {
      tile.style.backgroundImage = `url("${absolute(this.sheets[kind][1][sheet])}")`;
      tile.style.backgroundPosition = `${-width * column}px ${-height * row}px`;
    });
    this.name.textContent = name;
    this.value.textContent = value;
    this.value.hidden = !value;
    const size = /** @type {[number, number]} */ ([this.box.offsetWidth, this.box.offsetHeight]);
    const [left, top] = thumbnailPlace(axes, toPixels(axes, point), size);
    this.box.style.transform = `translate(${left}px, ${top}px)`;
  }

  /**
   * Fetch and decode the sheets before their first images are shown. Where there are several sheets
   * of a kind, each is fetched when one of its images is first shown.
   */
  async load() {
    if (this.loaded || !matchMedia("(hover: hover)").matches) return;
    this.loaded = true;
    for (const [, urls] of this.sheets) {
      if (urls.length > 1) continue;
      const sheet = element("img", { src: absolute(urls[0]) });
      await sheet.decode().catch(() => {}); // without its sheet a thumbnail still has its name
    }
  }
}
