// What lies over and under the points: the thumbnail of one, and the backdrop.

const TILE = 56; // px of a thumbnail: twice the 28 of a digit

// The name of the point under the pointer, and its pictures where there are sheets of them.
class Thumb {
  constructor(map) {
    this.map = map;
    this.index = null;
    this.name = element("b");
    this.box = element("div", { className: "thumb", hidden: true });
    this.tiles = [];
  }

  update({ sheets }) {
    const told = JSON.stringify(sheets);
    if (told === this.told) return;
    this.told = told;
    this.loaded = false;
    this.tiles = sheets.map(([words, url]) => {
      const tile = element("i", { title: words });
      tile.style.backgroundImage = `url("${absolute(url)}")`;
      return tile;
    });
    const figures = this.tiles.map((tile) =>
      element("figure", {}, tile, element("figcaption", { textContent: tile.title })));
    this.box.replaceChildren(this.name, ...figures);
  }

  show(index) {
    if (index === this.index) return;
    this.index = index;
    this.box.hidden = index === null;
    if (index === null) return;
    const { points, data } = this.map;
    for (const tile of this.tiles) {
      tile.style.backgroundPosition = `${-TILE * (index % 100)}px ${-TILE * Math.floor(index / 100)}px`;
    }
    this.name.textContent = `${data.noun} ${index.toLocaleString("en")}, a ${points.labels[index]}`;
    const [left, top] = this.map.pixels(points.spot(index));
    const [across, up] = [this.map.axis("xaxis"), this.map.axis("yaxis")];
    const [width, height] = [this.box.offsetWidth, this.box.offsetHeight];
    const x = Math.min(left - width / 2, across.length - width);
    const y = top > height + 14 ? top - height - 14 : top + 14;
    this.box.style.transform = `translate(${across.offset + Math.max(0, x)}px, ${up.offset + y}px)`;
  }

  // The sheets are large: fetched and decoded before the first of their tiles is asked for.
  async load() {
    if (this.loaded || !matchMedia("(hover: hover)").matches) return;
    this.loaded = true;
    for (const [, url] of this.map.data.sheets) {
      const sheet = element("img", { src: absolute(url) });
      await sheet.decode().catch(() => {}); // a thumbnail without its sheet still has its name
    }
  }
}

// A picture under the points over a range of the data. A new one takes the place of the old when it
// is there, never before.
class Backdrop {
  constructor(map) {
    this.map = map;
    this.box = element("div", { className: "backdrop", ariaHidden: "true" });
  }

  async update(backdrop) {
    const told = JSON.stringify(backdrop);
    if (told === this.told) return;
    this.told = told;
    const picture = backdrop && element("img", { src: absolute(backdrop.url), alt: "" });
    await picture?.decode().catch(() => {});
    if (told !== this.told) return; // a newer one overtook this one
    this.range = backdrop?.range;
    this.picture = picture;
    this.box.replaceChildren(...(picture ? [picture] : []));
    this.place();
  }

  place() {
    this.box.hidden = !this.map.laid;
    if (!this.picture || !this.map.drawn) return;
    const [left, right, bottom, top] = this.range;
    const [x0, y0] = this.map.pixels([left, top]);
    const [x1, y1] = this.map.pixels([right, bottom]);
    Object.assign(this.picture.style, {
      left: `${x0}px`, top: `${y0}px`, width: `${x1 - x0}px`, height: `${y1 - y0}px`,
    });
  }
}
