// The live channel: during a drag, pictures come over a websocket of its own, because a run of the
// script is too slow for every frame. There is one channel per page. Where it is not open, the
// components send their values to the script.

import { decoded, pace } from "./events.js";
import { makeFlow } from "./flow.js";
import { sharedOnce } from "./shared.js";
import { absolute } from "./urls.js";

const FIRST_DELAY = 250; // ms before a closed channel is opened again
const MAX_DELAY = 8000; // ms; the delay doubles with each attempt
const ATTEMPTS = 6; // to connect to a server that has never opened the channel
const OPEN = 1; // WebSocket.OPEN

export class LiveChannel {
  /**
   * @param {() => import("./types").Socket} connect opens a websocket
   * @param {(reply: import("./types").Decoded, pace: import("./types").Pace) => void} deliver
   *   called with each reply that is of the current model and newer than the one before
   */
  constructor(connect, deliver) {
    this.connect = connect;
    this.deliver = deliver;
    /** Whether a drag is in progress, during which the codes and pictures from Python are older. */
    this.held = false;
    this.delay = FIRST_DELAY;
    this.attempts = 0; // that did not open
    /** @type {string | undefined} */
    this.model = undefined;
    /** @type {number[]} */
    this.code = [];
    /** @type {unknown} */
    this.view = null;
    /** @type {import("./types").Mover | null} */
    this.by = null;
    /** @type {ReturnType<typeof makeFlow<import("./types").DecodeRequest>>} */
    this.flow = makeFlow((request, serial) => {
      if (this.open) this.socket.send(JSON.stringify({ ...request, serial }));
    });
    this.socket = this.openSocket();
  }

  get open() {
    return this.socket.readyState === OPEN;
  }

  openSocket() {
    const socket = this.connect();
    this.attempts += 1;
    socket.onopen = () => {
      this.delay = FIRST_DELAY;
      this.attempts = -Infinity;
    };
    socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    socket.onclose = () => {
      this.flow.stop();
      this.held = false;
      if (this.attempts < ATTEMPTS) setTimeout(() => (this.socket = this.openSocket()), this.delay);
      this.delay = Math.min(2 * this.delay, MAX_DELAY);
    };
    return socket;
  }

  /**
   * Set the state that requests start from to that of Python.
   * @param {{ model: string, code: number[], view: unknown }} state
   */
  setState({ model, code, view }) {
    Object.assign(this, { model, code, view });
  }

  /** Whether a drag of this model's code is in progress. @param {string} model */
  isDragging(model) {
    return this.held && this.model === model;
  }

  hold() {
    this.held = this.open;
  }

  release() {
    this.held = false;
  }

  /**
   * Request the picture of the code with other values in some dimensions.
   * @param {number[]} dims
   * @param {number[]} values
   */
  moveDims(dims, values) {
    this.code = [...this.code];
    dims.forEach((dim, place) => (this.code[dim] = values[place]));
    this.request({ by: "sliders" });
  }

  /**
   * Request the code at a point of the map, or the code of a test sample, with its picture.
   * @param {[number, number]} xy
   * @param {number | null} [sample]
   */
  moveTo(xy, sample = null) {
    this.request(sample === null ? { by: "map", xy } : { by: "map", sample });
  }

  /** @param {{ by: import("./types").Mover, xy?: [number, number], sample?: number }} change */
  request(change) {
    this.by = change.by;
    this.flow.push({ model: this.model, z: this.code, view: this.view, ...change });
  }

  /** @param {import("./types").LiveReply} reply */
  receive(reply) {
    const isNewer = this.flow.acknowledge(reply.serial);
    if ("error" in reply) {
      console.warn(`Latent Explorer: ${reply.error}`);
      if (reply.serial === null) this.flow.stop(); // no retry: it would be refused again
      return;
    }
    // Once the sliders move the code, replies to the map are outdated, and vice versa.
    if (!isNewer || reply.model !== this.model || reply.by !== this.by) return;
    if (reply.by === "map") this.code = reply.z;
    this.deliver(reply, this.flow.pace);
  }
}

/**
 * The channel of the page.
 *
 * @param {string} url relative to the app's root, "" where the channel is not served
 * @returns {LiveChannel | null}
 */
export function liveChannel(url) {
  if (!url) return null;
  const connect = () => new WebSocket(absolute(url).replace(/^http/, "ws"));
  return sharedOnce("Live", () => new LiveChannel(connect, (reply, now) => {
    pace.announce(now);
    decoded.announce(reply);
  }));
}
