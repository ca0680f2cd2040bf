// What lies over and under the points: cursor, posterior and selection, the thumbnail of one, the
// backdrop.

const TILE = 56; // px of a thumbnail: twice the 28 of a digit
const ROOMY = 13; // px of the ellipse's narrow axis: beyond it, the outer one shows around the cursor

// The cursor, the digit that it stands on with its posterior, and the shape around what is selected.
class Marks {
  constructor(map) {
    this.map = map;
    this.ellipse = element("div", { className: "ellipse" });
    this.ring = element("div", { className: "ring" });
    this.cursor = element("div", { className: "cursor" });
    this.handle = element("div", { className: "handle" }); // what a finger takes hold of
    this.cursor.append(this.handle);
    this.all = [this.ellipse, this.ring, this.cursor];
    this.shape = svg("polygon", {});
    this.sketch = svg("svg", { class: "sketch" });
    this.sketch.append(this.shape);
  }

  // The shape that Python knows of, unless a newer one has been drawn since it was told.
  update({ outline = null }) {
    const told = JSON.stringify(outline);
    if (told === this.told) return;
    this.told = told;
    this.outline(outline);
  }

  // The shape around what is selected, its corners in the points' units; without one, as it was.
  outline(polygon = this.polygon) {
    this.polygon = polygon;
    if (this.map.drawn) this.sketched((polygon ?? []).map((corner) => this.map.pixels(corner)), false);
  }

  // A shape in px, while it is drawn and after.
  sketched(corners, drawing = true) {
    this.shape.setAttribute("points", corners.join(" "));
    this.sketch.classList.toggle("drawing", drawing);
  }

  place() {
    const { map } = this;
    const put = (mark, spot) => {
      mark.hidden = !spot;
      if (!spot) return;
      const [x, y] = map.pixels(spot);
      mark.style.transform = `translate(${x}px, ${y}px)`;
    };
    put(this.cursor, map.at);
    const { selected, data, points } = map;
    const known = selected !== null && points.labels && selected < points.labels.length;
    put(this.ring, known ? points.spot(selected) : null);
    if (known) this.ring.style.setProperty("--colour", data.colours[points.labels[selected]]);
    const own = data.ellipse && selected === data.selected; // of this digit, not of one just left
    put(this.ellipse, own ? data.ellipse.slice(0, 2) : null);
    const { across } = map.axes;
    const scale = (2 * across.length) / (across.high - across.low);
    map.root.classList.toggle("roomy", Boolean(own) && data.ellipse[3] * scale > ROOMY);
    if (!own) return;
    const [first, second, angle] = data.ellipse.slice(2);
    this.ellipse.style.width = `${first * scale}px`;
    this.ellipse.style.height = `${second * scale}px`;
    this.ellipse.style.transform += ` translate(-50%, -50%) rotate(${-angle}rad)`;
  }
}

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
    this.tiles = sheets.map(([words]) => element("i", { title: words }));
    const figures = this.tiles.map((tile) =>
      element("figure", {}, tile, element("figcaption", { textContent: tile.title })));
    this.box.replaceChildren(this.name, ...figures);
    this.paint();
  }

  // Each tile shows its part of the sheet that holds the point.
  paint() {
    const { sheets, sheet_size: { columns, tiles } } = this.map.data;
    if (this.index === null) return;
    const [sheet, place] = [Math.floor(this.index / tiles), this.index % tiles];
    for (const [number, tile] of this.tiles.entries()) {
      tile.style.backgroundImage = `url("${absolute(sheets[number][1][sheet])}")`;
      tile.style.backgroundPosition =
        `${-TILE * (place % columns)}px ${-TILE * Math.floor(place / columns)}px`;
    }
  }

  show(index) {
    if (index === this.index) return;
    this.index = index;
    this.box.hidden = index === null;
    if (index === null) return;
    const { points, data } = this.map;
    this.paint();
    const { phrase } = data.classes[points.labels[index]];
    this.name.textContent = `${data.noun} ${index.toLocaleString("en")}${phrase && `, ${phrase}`}`;
    const [left, top] = this.map.pixels(points.spot(index));
    const [across, up] = [this.map.axis("xaxis"), this.map.axis("yaxis")];
    const [width, height] = [this.box.offsetWidth, this.box.offsetHeight];
    const x = Math.min(left - width / 2, across.length - width);
    const y = top > height + 14 ? top - height - 14 : top + 14;
    this.box.style.transform = `translate(${across.offset + Math.max(0, x)}px, ${up.offset + y}px)`;
  }

  // A sheet is large: fetched and decoded before the first of its tiles is shown. Of several, each is
  // fetched when one of its tiles is shown.
  async load() {
    if (this.loaded || !matchMedia("(hover: hover)").matches) return;
    this.loaded = true;
    for (const [, urls] of this.map.data.sheets) {
      if (urls.length > 1) continue;
      const sheet = element("img", { src: absolute(urls[0]) });
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
