// Digits in rows, each a button cut from one picture.

const SHEETS = new WeakMap();
const SIDE = 28; // px of a digit

class DigitSheet {
  constructor(root) {
    this.list = element("div", { className: "digits" });
    root.append(this.list);
    walk(this.list, (key) => ({ ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.across, ArrowDown: this.across })[key]);
    this.list.addEventListener("focusin", ({ target }) => this.stop(target));
    this.list.addEventListener("click", (event) => {
      const place = [...this.list.children].indexOf(event.target);
      if (place >= 0) this.send("press", { place, serial: Date.now() });
    });
  }

  update({ sheet, columns, names }, send) {
    this.send = send;
    const told = JSON.stringify([sheet, names]);
    if (told === this.told) return;
    this.told = told;
    const picture = `url("${absolute(sheet)}")`;
    const tiles = names.map((name, place) => {
      const tile = element("button", { type: "button", title: name, ariaLabel: name });
      const [row, column] = [Math.floor(place / columns), place % columns];
      tile.style.background = `${picture} ${-SIDE * column}px ${-SIDE * row}px`;
      return tile;
    });
    this.list.replaceChildren(...tiles);
    this.stop(tiles[0]);
  }

  // Digits in a row, as wide as the page is now.
  get across() {
    const tiles = [...this.list.children];
    return tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length;
  }

  // The one digit of the sheet that the tab key stops at.
  stop(here) {
    for (const tile of this.list.children) tile.tabIndex = tile === here ? 0 : -1;
  }

  destroy() {}
}

export default (component) => keep(SHEETS, component, DigitSheet);
