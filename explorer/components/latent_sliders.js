// Sliders of latent dimensions. The browser's values are newer than Python's, which are used only
// when their `revision` changes.

import { defineComponent } from "./component.js";
import { element } from "./dom.js";
import { decoded, pace } from "./events.js";
import { makeFlow } from "./flow.js";
import STYLE from "./latent_sliders.css.js";
import { liveChannel } from "./live.js";
import { getShared, setShared } from "./shared.js";
import { SliderRow } from "./slider_row.js";
import { onStrips, setStripBackground } from "./strips.js";

const NARROWEST = 0.75; // width over height of the tiles: narrower ones would be higher than a row
const RELEASE_DELAY = 80; // ms without a change, because a held key causes repeated releases

class Sliders {
  /** @param {HTMLElement} root @param {AbortSignal} signal */
  constructor(root, signal) {
    this.list = element("div", { className: "list" });
    this.list.setAttribute("role", "group");
    root.append(this.list);
    /** @type {SliderRow[]} */
    this.rows = [];
    this.shape = "";
    this.revision = NaN;
    /** @type {string | null} */
    this.model = null;
    /** @type {number[]} */
    this.dims = [];
    /** @type {import("./types").Strips | null} */
    this.strips = null;
    /** @type {ReturnType<typeof liveChannel>} */
    this.channel = null;
    /** @type {import("./types").Send} */
    this.send = () => {};
    this.moved = false; // since the last release
    this.unreported = false; // whether the live channel has received values that the script has not
    this.releasing = false; // whether a release is in flight to the script
    this.unconfirmed = false; // whether the release was sent without a connection
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.releaseTimer = undefined;
    this.flow = makeFlow((input, serial) => this.send("input", { ...input, serial }));
    decoded.on((reply) => this.showMapCode(reply), signal);
    onStrips((strips) => this.showStrips(strips), signal);
    signal.addEventListener("abort", () => this.cleanUp());
  }

  get values() {
    return this.rows.map((row) => row.value);
  }

  /** @param {import("./types").SlidersData} data @param {import("./types").Send} send */
  update(data, send) {
    this.send = send;
    this.channel = liveChannel(data.live);
    [this.model, this.dims] = [data.model, data.dims];
    const isNewer = this.flow.acknowledge(data.ack);
    if (isNewer && data.revision === this.revision) this.unconfirmed = false;
    if (isNewer && !this.channel?.open) pace.announce(this.flow.pace);
    if (this.releasing && this.flow.settled) {
      this.releasing = false;
      this.channel?.release();
    }
    const shape = JSON.stringify([data.names, data.ranges, data.step]);
    const rebuilt = shape !== this.shape;
    if (rebuilt) this.build(data);
    this.shape = shape;
    this.list.style.setProperty("--max-height", data.max_height ? `${data.max_height}px` : "none");
    this.rows.forEach((row, index) => row.describe(data.notes[index], data.weights[index], !data.notes.length));
    if (!rebuilt && data.revision === this.revision) return;
    this.revision = data.revision;
    if (this.unconfirmed && !rebuilt) {
      // The server was restarted and its state is that of the link: the browser's is newer.
      this.unconfirmed = false;
      this.report(true);
      return;
    }
    this.draw(data.values);
    this.sendUnsent();
  }

  /** @param {import("./types").SlidersData} data */
  build(data) {
    this.rows = data.names.map((name, place) => {
      const [low, high] = data.ranges[place];
      return new SliderRow(name, { ...data, low, high }, {
        change: () => this.onChange(),
        release: () => this.moved && this.releaseSoon(),
      });
    });
    this.list.replaceChildren(...this.rows.map((row) => row.line));
    this.showStrips(this.strips);
  }

  /** @param {number[]} values */
  draw(values) {
    values.forEach((value, index) => this.rows[index].draw(value));
  }

  /** Each slider's traversal behind its rail. @param {import("./types").Strips | null} strips */
  showStrips(strips) {
    this.strips = strips;
    this.rows.forEach(({ strip }, index) => {
      const row = strips?.model === this.model ? strips.dims.indexOf(this.dims[index]) : -1;
      strip.hidden = row < 0 || !strips || strips.aspect < NARROWEST;
      if (!strips || strip.hidden) return;
      strip.style.setProperty("--steps", String(strips.steps));
      strip.style.setProperty("--aspect", String(strips.aspect));
      setStripBackground(strip, strips.sheet, row, strips.dims.length);
    });
  }

  /** Show the code of a reply to the map. @param {import("./types").Decoded} reply */
  showMapCode({ model, by, z }) {
    if (by === "map" && model === this.model) this.draw(this.dims.map((dim) => z[dim]));
  }

  onChange() {
    clearTimeout(this.releaseTimer);
    this.releasing = false;
    this.moved = true;
    const { channel } = this;
    // Before the first picture of this model the channel has no code to start from.
    if (channel?.open && channel.model === this.model) {
      channel.hold();
      channel.moveDims(this.dims, this.values);
      this.unreported = true;
    } else this.report(false);
  }

  /**
   * Send the values to the script, with the revision that they started from: Python ignores values
   * older than its own. With `released`, the script reruns everything that is too slow for a drag.
   * @param {boolean} released
   */
  report(released) {
    this.flow.push({ values: this.values, revision: this.revision, released });
  }

  releaseSoon() {
    clearTimeout(this.releaseTimer);
    this.releaseTimer = setTimeout(() => {
      this.moved = this.unreported = false;
      this.releasing = true;
      this.report(true);
      this.unconfirmed = Boolean(this.channel && !this.channel.open);
    }, RELEASE_DELAY);
  }

  /** The sliders' model, dimensions and the revision that their values started from. */
  get identity() {
    const { model, dims, revision } = this;
    return { model, dims, revision };
  }

  /** Send the values that could not be sent before the page was left. */
  sendUnsent() {
    const { values, ...identity } = getShared("Unsent") ?? {};
    if (!values || JSON.stringify(identity) !== JSON.stringify(this.identity)) return;
    setShared("Unsent", null);
    this.draw(values);
    this.unreported = true;
    this.releaseSoon();
  }

  cleanUp() {
    if (this.model && (this.unreported || !this.flow.settled)) {
      setShared("Unsent", { ...this.identity, values: this.values });
    }
    this.flow.stop();
    clearTimeout(this.releaseTimer);
    this.channel?.release();
  }
}

export default defineComponent("Sliders", STYLE, (root, signal) => new Sliders(root, signal));
