// Flow control: a bounded number of requests in flight (the window), and of the values that wait
// only the newest.
//
// Pointer events are more frequent than replies. Sending every event would build up a queue; sending
// the next one only after each reply would limit a distant server to one picture per round trip.
//
// The size of the window is controlled as in TCP Vegas (Brakmo & Peterson 1995): the shortest round
// trip is the propagation delay, and the excess over it is queueing delay. The window grows while
// values wait and less than one request is queued for less than a frame; it shrinks beyond two
// requests or two frames (on a long path, whose delay varies more, an eighth and a quarter of it).
//
// A request without a reply after `patience` ms counts as lost. If it was the newest, it is sent
// again at growing intervals, so the last value arrives even after a lost connection.

const FRAME = 1000 / 60; // ms

/**
 * @template Value
 * @param {(value: Value, serial: number) => void} send serials grow with the clock, so a page that
 *   is opened later has larger ones
 * @param {{ widest?: number, patience?: number, now?: () => number }} [options] the largest window;
 *   ms before a request counts as lost; a clock in ms
 */
export function makeFlow(send, { widest = 24, patience = 1500, now = () => Date.now() } = {}) {
  const pace = { window: 1, least: Infinity, roundTrip: /** @type {number | null} */ (null) };
  let serial = 0;
  let answered = -Infinity; // the newest serial that was acknowledged
  /** @type {{ serial: number, time: number }[]} */
  let inFlight = []; // oldest first
  /** @type {{ value: Value } | null} */
  let waiting = null;
  /** @type {{ value: Value } | null} */
  let newest = null; // the value sent last, until it is answered
  let crowded = false; // whether a value has waited since the last reply
  let tries = 0; // how often the newest value was sent without an answer
  let narrowed = 0; // the newest serial when the window last shrank
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {Value} value @param {number} current */
  function transmit(value, current) {
    serial = Math.max(serial + 1, current);
    newest = { value };
    inFlight.push({ serial, time: current });
    send(value, serial);
  }

  function pump() {
    clearTimeout(timer);
    const current = now();
    const wait = patience * 2 ** Math.min(tries, 3);
    inFlight = inFlight.filter((request) => current - request.time < wait);
    if (waiting && inFlight.length < pace.window) {
      const { value } = waiting;
      waiting = null;
      transmit(value, current);
    } else if (newest && !inFlight.length) {
      tries += 1;
      transmit(newest.value, current);
    }
    if (waiting) crowded = true;
    if (inFlight.length) timer = setTimeout(pump, inFlight[0].time + wait - current);
  }

  /** @param {{ serial: number, time: number }} request that was answered just now */
  function adjust(request) {
    const roundTrip = now() - request.time;
    const { least, window } = pace;
    // The path may become longer, so the shortest round trip decays: slowly, but fast at a window of
    // one, where no request queues behind another of this client.
    const memory = window === 1 ? 4 : 500;
    pace.least = roundTrip < least ? roundTrip : least + (roundTrip - least) / memory;
    pace.roundTrip = pace.roundTrip === null ? roundTrip : 0.8 * pace.roundTrip + 0.2 * roundTrip;
    const delay = roundTrip - pace.least;
    const queued = roundTrip ? (window * delay) / roundTrip : 0;
    const slack = Math.max(FRAME, pace.least / 8);
    if (queued > 2 || delay > 2 * slack) {
      // requests that were in flight when the window shrank still measure the wider one
      if (request.serial > narrowed) [pace.window, narrowed] = [Math.max(1, window - 1), serial];
    } else if (queued < 1 && delay < slack && crowded) pace.window = Math.min(widest, window + 1);
    crowded = false;
  }

  return {
    /** Send a value now, or once the window allows. @param {Value} value */
    push(value) {
      waiting = { value };
      pump();
    },
    /**
     * The server has answered everything up to a serial.
     * @param {number | null | undefined} upTo
     * @returns {boolean} false for a reply older than a previous one, and without a serial
     */
    acknowledge(upTo) {
      if (typeof upTo !== "number" || upTo < answered) return false;
      answered = upTo;
      const request = inFlight.find((each) => each.serial === upTo);
      inFlight = inFlight.filter((each) => each.serial > upTo);
      if (upTo >= serial) newest = null;
      if (request) {
        tries = 0;
        adjust(request);
      }
      pump();
      return true;
    },
    /** Drop the waiting value and the requests in flight. */
    stop() {
      clearTimeout(timer);
      waiting = newest = null;
      inFlight = [];
    },
    /** Whether nothing waits and nothing is in flight. */
    get settled() {
      return !waiting && inFlight.length === 0;
    },
    /** @returns {import("./types").Pace} */
    get pace() {
      return { ...pace };
    },
  };
}
