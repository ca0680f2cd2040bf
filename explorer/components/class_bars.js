// A bar for each class, as long as its share. Of many classes those with the largest shares are shown.

import { element } from "./dom.js";

const MOST = 10; // bars at once
const SHORT = 3; // characters of a name that fits beside its bar

/**
 * The classes that are shown: all of a few, in their order; of more, those with the largest shares.
 *
 * @param {number[]} shares by class
 * @param {number} most
 */
export function shownClasses(shares, most = MOST) {
  const classes = shares.map((_, label) => label);
  if (shares.length <= most) return classes;
  // a stable sort: equal shares keep the order of their classes
  return classes.sort((a, b) => shares[b] - shares[a]).slice(0, most).filter((label) => shares[label] > 0);
}

export class ClassBars {
  constructor() {
    this.box = element("div", { className: "bars" });
    this.names = "";
    /** @type {{ line: HTMLElement, name: HTMLElement, bar: HTMLElement, label: number }[]} */
    this.rows = [];
  }

  /** @param {{ shares: number[], names: string[], colours: string[] }} data each by class */
  update({ shares, names, colours }) {
    const given = names.join("\n");
    if (given !== this.names) {
      this.box.classList.toggle("long", names.some((name) => name.length > SHORT));
      this.rows = names.slice(0, MOST).map(() => this.makeRow());
      this.box.replaceChildren(...this.rows.map(({ line }) => line));
      this.names = given;
    }
    const shown = shownClasses(shares);
    this.rows.forEach((row, place) => {
      const label = shown[place] ?? -1;
      if (label !== row.label) { // seldom during a drag
        row.label = label;
        row.name.textContent = names[label] ?? "";
        row.bar.style.background = colours[label] ?? "none";
      }
      row.bar.style.width = `${100 * (shares[label] ?? 0)}%`;
    });
  }

  makeRow() {
    const [name, bar] = [element("span"), element("i")];
    return { line: element("div", { className: "bar" }, name, bar), name, bar, label: NaN };
  }
}
