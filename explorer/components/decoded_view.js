// The decoded image on a canvas, bars and facts beside it, and figures of the decoding below.

import { defineComponent } from "./component.js";
import STYLE from "./decoded_view.css.js";
import { element } from "./dom.js";
import { decoded, pace } from "./events.js";
import { firstPictureShown } from "./first_picture.js";
import { liveChannel } from "./live.js";

const RECENT = 1000; // ms over which pictures are counted
const REFRESH = 250; // ms between two updates of the figures, so that they do not flicker
const FIGURES = ["decode", "round trip", "pictures", "from cache"];

/** @param {number | null} value */
const milliseconds = (value) => (value === null ? "\u2013" : `${value.toFixed(value < 10 ? 1 : 0)} ms`);

class DecodedView {
  /** @param {HTMLElement} root @param {AbortSignal} signal */
  constructor(root, signal) {
    this.canvas = element("canvas");
    this.canvas.setAttribute("role", "img");
    this.context = this.canvas.getContext("2d");
    /** @type {ImageData | null} */
    this.image = null;
    this.caption = element("figcaption");
    this.title = element("h4");
    this.bars = element("div");
    this.facts = element("p");
    this.device = element("b");
    this.cells = FIGURES.map(() => element("dd"));
    const figures = FIGURES.map((name, place) =>
      element("div", {}, element("dt", { textContent: name }), this.cells[place]));
    this.box = element("div", { className: "decoded-digit" },
      element("figure", { className: "digit" }, this.canvas, this.caption),
      element("div", { className: "facts" }, this.title, this.bars, this.facts));
    root.append(this.box, element("dl", { className: "engine", ariaLabel: "Device and speed of the decoding" },
      element("div", {}, this.device), ...figures));
    /** @type {import("./types").DecodedViewData | null} */
    this.data = null;
    /** @type {import("./types").Picture | null} */
    this.shown = null;
    /** @type {number[]} */
    this.paintTimes = []; // of the last pictures, ms
    /** @type {import("./types").Pace | null} */
    this.pace = null;
    /** @type {ReturnType<typeof setTimeout> | null} */
    this.refreshing = null;
    pace.on((now) => {
      this.pace = now;
      this.refreshSoon();
    }, signal);
    decoded.on((reply) => {
      if (reply.by !== "script") this.showReply(reply);
    }, signal);
    signal.addEventListener("abort", () => clearTimeout(this.refreshing ?? undefined));
  }

  /**
   * A picture that the script has decoded. During a drag over the live channel it is older than the
   * one that is shown, unless Python has set the code since.
   * @param {import("./types").DecodedViewData | { waiting: true }} data
   */
  update(data) {
    if ("waiting" in data) return;
    const channel = liveChannel(data.live);
    const older = channel?.isDragging(data.model) && data.revision === this.data?.revision;
    this.data = data;
    this.device.textContent = `${data.model} on ${data.device.toUpperCase()}`;
    if (older) return;
    channel?.setState(data);
    this.show(data);
    const { model, code, cursor, digit, answered } = data;
    decoded.announce({ by: "script", model, z: code, cursor, digit, answered });
  }

  /** @param {import("./types").Decoded} reply of the live channel */
  showReply(reply) {
    const { data } = this;
    if (!data || reply.model !== data.model) return;
    const note = String(reply.z) === String(data.code) ? data.note : "";
    this.show({ ...data, ...reply, code: reply.z, note });
  }

  /** @param {import("./types").Picture} picture */
  show(picture) {
    const code = picture.code.join(",");
    if (this.box.dataset.code !== code) this.count();
    this.paint(picture);
    this.describe(picture);
    this.box.dataset.code = code;
    this.shown = picture;
    firstPictureShown();
    this.refreshSoon();
  }

  /** @param {import("./types").Picture} picture */
  paint({ pixels, size: [height, width] }) {
    if (!this.context) return;
    if (this.image?.width !== width || this.image.height !== height) {
      Object.assign(this.canvas, { width, height });
      this.image = this.context.createImageData(width, height);
      this.image.data.fill(255);
    }
    const { data } = this.image;
    const grey = atob(pixels);
    for (let place = 0; place < height * width; place += 1) {
      data[4 * place] = data[4 * place + 1] = data[4 * place + 2] = grey.charCodeAt(place);
    }
    this.context.putImageData(this.image, 0, 0);
  }

  /** @param {import("./types").Picture} picture */
  describe({ caption, title, shares, colours, distance, note }) {
    this.canvas.ariaLabel = `the decoded digit, ${caption}`;
    this.caption.textContent = caption;
    this.title.textContent = title;
    this.facts.textContent = [`${distance.toFixed(2)} from the centre`, note].join("\n");
    if (this.bars.children.length !== shares.length) {
      this.bars.replaceChildren(...shares.map((_, label) =>
        element("div", { className: "bar" }, element("span", { textContent: label }), element("i"))));
    }
    shares.forEach((share, label) => {
      const bar = /** @type {HTMLElement} */ (this.bars.children[label].lastChild);
      bar.style.background = colours[label];
      bar.style.width = `${100 * share}%`;
    });
  }

  count() {
    const now = performance.now();
    this.paintTimes = [...this.paintTimes.filter((time) => now - time < RECENT), now];
  }

  refreshSoon() {
    this.refreshing ??= setTimeout(() => {
      this.refreshing = null;
      this.refresh();
    }, REFRESH);
  }

  refresh() {
    if (!this.shown) return;
    const recent = this.paintTimes.filter((time) => performance.now() - time < RECENT).length;
    const texts = [
      milliseconds(this.shown.decode_ms),
      milliseconds(this.pace?.roundTrip ?? null),
      `${recent} /s`,
      `${Math.round(100 * this.shown.hit_rate)} %`,
    ];
    texts.forEach((text, place) => (this.cells[place].textContent = text));
    if (recent) this.refreshSoon(); // until the count is zero again
  }
}

export default defineComponent("DecodedView", STYLE, (root, signal) => new DecodedView(root, signal));
