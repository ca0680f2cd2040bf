// The decoded digit on a canvas, bars and facts beside it, and the engine's figures below.

const VIEWS = new WeakMap();
const SIDE = 28;
const RECENT = 1000; // ms over which pictures are counted
const FIGURES = ["decode", "round trip", "pictures", "from cache"];
const COLLECT = 250; // ms between two counts on the screen: figures that flicker cannot be read

class DecodedView {
  constructor(root, signal) {
    this.canvas = element("canvas", { width: SIDE, height: SIDE });
    this.canvas.setAttribute("role", "img");
    this.ink = this.canvas.getContext("2d");
    this.image = this.ink.createImageData(SIDE, SIDE);
    this.caption = element("figcaption");
    this.title = element("h4");
    this.bars = element("div");
    this.facts = element("p");
    this.device = element("b");
    this.cells = FIGURES.map((name) => [element("dt", { textContent: name }), element("dd")]);
    const figures = this.cells.map((pair) => element("div", {}, ...pair));
    this.panel = element("dl", { className: "engine" }, element("div", {}, this.device), ...figures);
    this.panel.ariaLabel = "What decodes, and how fast";
    this.box = element("div", { className: "decoded-digit" },
      element("figure", { className: "digit" }, this.canvas, this.caption),
      element("div", { className: "facts" }, this.title, this.bars, this.facts));
    root.append(this.box, this.panel);
    this.painted = []; // times of the last pictures, ms
    this.pace = null;
    onPace((pace) => {
      this.pace = pace;
      this.tellSoon();
    }, signal);
    onPicture((picture) => this.follow(picture), signal);
  }

  // While a hand moves, what Python says is of the past: the live channel leads.
  update(data) {
    if (data.waiting) return;
    const channel = liveChannel(data.live);
    // where Python has moved the code itself, the hand's pictures are what is past
    const moving = channel?.leads(data.model) && data.revision === this.data?.revision;
    this.data = data;
    this.device.textContent = `${data.model} on ${data.device.toUpperCase()}`;
    if (moving) return;
    channel?.stand(data);
    this.show(data);
  }

  follow(picture) {
    if (picture.model !== this.data?.model) return;
    const note = String(picture.z) === String(this.data.code) ? this.data.note : "";
    this.show({ ...this.data, ...picture, code: picture.z, note });
  }

  show(picture) {
    const code = picture.code.join(",");
    if (this.box.dataset.code !== code) this.count();
    this.paint(picture);
    this.describe(picture);
    this.box.dataset.code = code;
    this.engine = picture;
    this.tellSoon();
  }

  paint({ pixels }) {
    const { data } = this.image;
    const grey = atob(pixels);
    for (let place = 0; place < SIDE * SIDE; place += 1) {
      data[4 * place] = data[4 * place + 1] = data[4 * place + 2] = grey.charCodeAt(place);
      data[4 * place + 3] = 255;
    }
    this.ink.putImageData(this.image, 0, 0);
  }

  describe({ caption, title, shares, colours, distance, note }) {
    this.canvas.ariaLabel = `the decoded digit, ${caption}`;
    this.caption.textContent = caption;
    this.title.textContent = title;
    this.facts.textContent = [`${distance.toFixed(2)} from the centre`, note].join("\n");
    if (this.bars.children.length !== shares.length) {
      this.bars.replaceChildren(...shares.map((_, digit) =>
        element("div", { className: "bar" }, element("span", { textContent: digit }), element("i"))));
    }
    shares.forEach((share, digit) => {
      const bar = this.bars.children[digit].lastChild;
      bar.style.background = colours[digit];
      bar.style.width = `${100 * share}%`;
    });
  }

  count() {
    const now = performance.now();
    this.painted = [...this.painted.filter((time) => now - time < RECENT), now];
  }

  // What changes sixty times a second is written four times a second.
  tellSoon() {
    this.telling ??= setTimeout(() => {
      this.telling = null;
      this.tell();
    }, COLLECT);
  }

  tell() {
    if (!this.engine) return;
    const { decode_ms: decode, hit_rate: hits } = this.engine;
    const recent = this.painted.filter((time) => performance.now() - time < RECENT);
    const ms = (value) => (value === null ? "\u2013" : `${value.toFixed(value < 10 ? 1 : 0)} ms`);
    const found = [
      ms(decode),
      ms(this.pace?.roundTrip ?? null),
      `${recent.length} /s`,
      `${Math.round(100 * hits)} %`,
    ];
    found.forEach((text, place) => (this.cells[place][1].textContent = text));
    if (recent.length) this.tellSoon(); // until the count has gone back to none
  }

  destroy() {
    clearTimeout(this.telling);
  }
}

export default (component) => keep(VIEWS, component, DecodedView);
