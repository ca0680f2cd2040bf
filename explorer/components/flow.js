// Flow control that the components share: the newest value wins, and as many requests are in flight
// as the connection carries. A hand moves faster than a server replies; sending every event would
// queue up and the picture would trail behind, waiting for each reply would make a distant server's
// pictures as rare as its round trips. What waits is overwritten by what comes, and the last value
// is always sent.
//
//   const flow = makeFlow((value, serial) => send(value, serial));
//   flow.push(value);              a new value; sent now or when there is room
//   flow.acknowledge(serial);      the server has answered everything up to serial; false where the
//                                  reply is stale, older than one that came before
//   flow.settled                   nothing in flight, nothing waiting: the server's state is ours
//
// The window follows TCP Vegas (Brakmo & Peterson 1995): the shortest round trip tells what the way
// takes, what is above it is time spent in queues. The window grows while values have to wait and
// less than one request queues for less than a frame, and shrinks beyond two requests or two
// frames (of a long way an eighth and a quarter, for it is less even): a busy server is not made
// busier.
//
// A request without an answer after `patience` ms is given up. If it was the newest, it is sent
// again, more and more seldom: so the last value arrives even when the connection was lost with it.
//
// Serials grow with the clock, so those of a page opened later are larger than the earlier ones'.
const FRAME = 1000 / 60; // ms

function makeFlow(send, { widest = 24, patience = 1500, now = () => Date.now() } = {}) {
  const pace = { window: 1, least: Infinity, roundTrip: null };
  let serial = 0;
  let answered = -Infinity; // the newest serial that was acknowledged
  let inFlight = []; // {serial, time}, oldest first
  let waiting = null; // {value}
  let newest = null; // {value}: what was last sent, until it is answered
  let crowded = false; // a value has had to wait since the window last changed
  let tries = 0; // how often the newest value was sent in vain
  let narrowed = 0; // the newest serial when the window last shrank
  let timer = null;

  function ship(value, current) {
    serial = Math.max(serial + 1, current);
    newest = { value };
    inFlight.push({ serial, time: current });
    send(value, serial);
  }

  function pump() {
    clearTimeout(timer);
    timer = null;
    const current = now();
    const wait = patience * 2 ** Math.min(tries, 3);
    inFlight = inFlight.filter((request) => current - request.time < wait);
    if (waiting && inFlight.length < pace.window) {
      const { value } = waiting;
      waiting = null;
      ship(value, current);
    } else if (newest && !inFlight.length) {
      tries += 1;
      ship(newest.value, current);
    }
    if (waiting) crowded = true;
    if (inFlight.length) timer = setTimeout(pump, inFlight[0].time + wait - current);
  }

  function learn(reply) {
    const roundTrip = now() - reply.time;
    const { least, window } = pace;
    // A way may grow longer: the least is forgotten slowly, and soon where a request goes alone, for
    // then none of its time is spent behind our own.
    const forget = window === 1 ? 4 : 500;
    pace.least = roundTrip < least ? roundTrip : least + (roundTrip - least) / forget;
    pace.roundTrip = pace.roundTrip === null ? roundTrip : 0.8 * pace.roundTrip + 0.2 * roundTrip;
    const delay = roundTrip - pace.least;
    const queued = roundTrip ? (window * delay) / roundTrip : 0;
    const slack = Math.max(FRAME, pace.least / 8); // a longer way is less even
    if (queued > 2 || delay > 2 * slack) {
      // what was under way when it shrank tells of the wider one
      if (reply.serial > narrowed) [pace.window, narrowed] = [Math.max(1, window - 1), serial];
    } else if (queued < 1 && delay < slack && crowded) pace.window = Math.min(widest, window + 1);
    crowded = false;
  }

  return {
    push(value) {
      waiting = { value };
      pump();
    },
    acknowledge(upTo) {
      if (typeof upTo !== "number" || upTo < answered) return false;
      answered = upTo;
      const reply = inFlight.find((request) => request.serial === upTo);
      inFlight = inFlight.filter((request) => request.serial > upTo);
      if (upTo >= serial) newest = null;
      if (reply) {
        tries = 0;
        learn(reply);
      }
      pump();
      return true;
    },
    stop() {
      clearTimeout(timer);
      waiting = newest = null;
      inFlight = [];
    },
    get settled() {
      return !waiting && inFlight.length === 0;
    },
    get pace() {
      return { ...pace };
    },
  };
}
