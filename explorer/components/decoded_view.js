// The decoded sample, bars and facts beside it, and figures of the decoding below.

import { ClassBars } from "./class_bars.js";
import { defineComponent } from "./component.js";
import STYLE from "./decoded_view.css.js";
import { element } from "./dom.js";
import { decoded, pace } from "./events.js";
import { firstPictureShown } from "./first_picture.js";
import { ImageCanvas } from "./image_canvas.js";
import { liveChannel } from "./live.js";

const RECENT = 1000; // ms over which pictures are counted
const REFRESH = 250; // ms between two updates of the figures, so that they do not flicker
const FIGURES = ["decode", "round trip", "pictures", "from cache"];

/** @param {number | null} value */
const milliseconds = (value) => (value === null ? "\u2013" : `${value.toFixed(value < 10 ? 1 : 0)} ms`);

class DecodedView {
  /** @param {HTMLElement} root @param {AbortSignal} signal */
  constructor(root, signal) {
    this.picture = new ImageCanvas();
    this.caption = element("figcaption");
    this.title = element("h4");
    this.bars = new ClassBars();
    this.facts = element("p");
    this.device = element("b");
    this.cells = FIGURES.map(() => element("dd"));
    const figures = FIGURES.map((name, place) =>
      element("div", {}, element("dt", { textContent: name }), this.cells[place]));
    this.box = element("div", { className: "decoded-sample" },
      element("figure", { className: "sample" }, this.picture.canvas, this.caption),
      element("div", { className: "facts" }, this.title, this.bars.box, this.facts));
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
    const { model, code, cursor, sample, answered } = data;
    decoded.announce({ by: "script", model, z: code, cursor, sample, answered });
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
    this.picture.paint(picture);
    this.describe(picture);
    this.box.dataset.code = code;
    this.shown = picture;
    firstPictureShown();
    this.refreshSoon();
  }

  /** @param {import("./types").Picture} picture */
  describe({ caption, title, shares, names, colours, distance, note }) {
    this.picture.canvas.ariaLabel = caption;
    this.caption.textContent = this.caption.title = caption;
    this.title.textContent = title;
    this.facts.textContent = [`${distance.toFixed(2)} from the centre`, note].join("\n");
    this.bars.update({ shares, names, colours });
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
