// Images in rows, each a button whose background is cut from one sheet.

import { defineComponent } from "./component.js";
import STYLE from "./sample_sheet.css.js";
import { element, navigateByKeys } from "./dom.js";
import { absolute } from "./urls.js";

class SampleSheet {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.list = element("div", { className: "sample-sheet" });
    this.shown = "";
    /** @type {import("./types").Send} */
    this.send = () => {};
    root.append(this.list);
    navigateByKeys(this.list, (key) => {
      const across = this.imagesInRow();
      return { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[key];
    });
    this.list.addEventListener("focusin", ({ target }) => this.setTabStop(target));
    this.list.addEventListener("click", ({ target }) => {
      const place = this.tiles.findIndex((tile) => tile === target);
      if (place >= 0) this.send("click", { place, serial: Date.now() });
    });
  }

  get tiles() {
    return /** @type {HTMLElement[]} */ ([...this.list.children]);
  }

  /** @param {import("./types").SampleSheetData} data @param {import("./types").Send} send */
  update({ sheet, tile: [width, height], columns, rows, names }, send) {
    this.send = send;
    const shown = JSON.stringify([sheet, names]);
    if (shown === this.shown) return;
    this.shown = shown;
    this.list.style.setProperty("--wide", `${width}px`);
    this.list.style.setProperty("--high", `${height}px`);
    const image = `url("${absolute(sheet)}")`;
    const tiles = names.map((name, index) => {
      const tile = element("button", { type: "button", title: name, ariaLabel: name });
      const [row, column] = [Math.floor(index / columns), index % columns];
      const place = `${-width * column}px ${-height * row}px`;
      tile.style.background = `${image} ${place} / ${width * columns}px ${height * rows}px`;
      return tile;
    });
    this.list.replaceChildren(...tiles);
    this.setTabStop(tiles[0]);
  }

  /** How many images fit into a row at the page's present width. */
  imagesInRow() {
    const { tiles } = this;
    return tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length;
  }

  /** The tab key stops at one image of the sheet. @param {EventTarget | null} here */
  setTabStop(here) {
    for (const tile of this.tiles) tile.tabIndex = tile === here ? 0 : -1;
  }
}

export default defineComponent("SampleSheet", STYLE, (root) => new SampleSheet(root));
