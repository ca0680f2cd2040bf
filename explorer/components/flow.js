// Flow control: at most as many requests in flight as the connection carries, and of those that
// wait only the newest.
//
// A pointer moves faster than a server replies. Sending every event would build up a queue; waiting
// for each reply would limit a distant server to one picture a round trip.
//
// The window follows TCP Vegas (Brakmo & Peterson 1995): the shortest round trip is the time of the
// way itself, what is above it is time spent in queues. The window grows while values have to wait and
// less than one request queues for less than a frame, and shrinks beyond two requests or two frames
// (on a long way, which varies more, an eighth and a quarter of it).
//
// A request without an answer after `patience` ms is given up. If it was the newest, it is sent again
// at growing intervals, so the last value arrives even where the connection was lost.

const FRAME = 1000 / 60; // ms

/**
 * @template Value
 * @param {(value: Value, serial: number) => void} send serials grow with the clock, so a page that
 *   is opened later has larger ones
 * @param {{ widest?: number, patience?: number, now?: () => number }} [options] the largest window;
 *   ms before a request is given up; a clock in ms
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
  let newest = null; // what was last sent, until it is answered
  let crowded = false; // whether a value has had to wait since the window last changed
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
    // The way may become longer, so the shortest round trip is forgotten: slowly, but soon while
    // one request travels at a time, for then no time is spent behind our own.
    const memory = window === 1 ? 4 : 500;
    pace.least = roundTrip < least ? roundTrip : least + (roundTrip - least) / memory;
    pace.roundTrip = pace.roundTrip === null ? roundTrip : 0.8 * pace.roundTrip + 0.2 * roundTrip;
    const delay = roundTrip - pace.least;
    const queued = roundTrip ? (window * delay) / roundTrip : 0;
    const slack = Math.max(FRAME, pace.least / 8);
    if (queued > 2 || delay > 2 * slack) {
      // requests that were in flight when it shrank still measure the wider window
      if (request.serial > narrowed) [pace.window, narrowed] = [Math.max(1, window - 1), serial];
    } else if (queued < 1 && delay < slack && crowded) pace.window = Math.min(widest, window + 1);
    crowded = false;
  }

  return {
    /** Send a value now, or as soon as there is room. @param {Value} value */
    push(value) {
      waiting = { value };
      pump();
    },
    /**
     * The server has answered everything up to a serial.
     * @param {number | null | undefined} upTo
     * @returns {boolean} false for a reply that is older than one before, and for none
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
    /** Forget what waits and what is in flight. */
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
