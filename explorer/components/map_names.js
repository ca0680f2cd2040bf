// The names of the points, fetched before the first of them is shown.

import { fetchBytes } from "./urls.js";

export class Names {
  constructor() {
    /** @type {string[]} */
    this.list = [];
    /** @type {string | null} */
    this.url = null;
    this.loaded = false;
  }

  /** @param {string | null} url of a list as JSON; null where the points have no names */
  update(url) {
    if (url === this.url) return;
    [this.url, this.list, this.loaded] = [url, [], false];
  }

  async load() {
    const { url } = this;
    if (!url || this.loaded) return;
    this.loaded = true;
    try {
      const list = JSON.parse(new TextDecoder().decode(await fetchBytes(url, "the names of the points")));
      if (url === this.url) this.list = list;
    } catch {
      this.loaded = false; // the next idle moment tries again; points are shown by number until then
    }
  }
}
