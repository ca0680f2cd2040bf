// The live channel: while a hand moves, pictures come over a websocket beside Streamlit's own, for a
// run of the script is too slow to be had at every frame. One channel a page, whichever component
// asks first; where there is none, or none that is open, the components stream through the script.
//
//   const channel = liveChannel(url);      null where url is ""
//   channel.open                           whether it can be asked now
//   channel.steer(dims, values)            the code with these of its numbers, please
//   channel.aim([x, y], digit)             the code at this place of the map, or of this test digit
//   onPicture((picture) => ..., signal)    what came: {model, z, cursor, pixels, shares, ...}
const REOPEN = [250, 8000]; // ms until the next try: at first, at most
const VAIN = 6; // tries, after which a server that has never opened the channel has none
const PICTURE = "latent-explorer:picture";

const onPicture = (follow, signal) =>
  window.addEventListener(PICTURE, (event) => follow(event.detail), { signal });

class Live {
  constructor(url) {
    this.url = absolute(url).replace(/^http/, "ws");
    this.held = false; // a hand is on the code: what Python says of it is of the past
    this.wait = REOPEN[0];
    this.vain = 0; // tries that did not open
    this.flow = makeFlow((request, serial) => {
      if (this.open) this.socket.send(JSON.stringify({ ...request, serial }));
    });
    this.connect();
  }

  get open() {
    return this.socket.readyState === WebSocket.OPEN;
  }

  connect() {
    this.socket = new WebSocket(this.url);
    this.vain += 1;
    this.socket.onopen = () => {
      this.wait = REOPEN[0];
      this.vain = -Infinity;
    };
    this.socket.onmessage = ({ data }) => this.hear(JSON.parse(data));
    this.socket.onclose = () => {
      this.flow.stop();
      this.held = false;
      if (this.vain < VAIN) setTimeout(() => this.connect(), this.wait);
      this.wait = Math.min(2 * this.wait, REOPEN[1]);
    };
  }

  // Where the code stands and what the map shows, as Python has it.
  stand({ model, code, view }) {
    Object.assign(this, { model, code, view });
  }

  // Whether the pictures of `model` come from here at the moment.
  leads(model) {
    return this.held && this.model === model;
  }

  hold() {
    this.held = this.open;
  }

  letGo() {
    this.held = false;
  }

  steer(dims, values) {
    this.code = [...this.code];
    dims.forEach((dim, place) => (this.code[dim] = values[place]));
    this.ask({ by: "sliders" });
  }

  aim(xy, digit = null) {
    this.ask({ by: "map", ...(digit === null ? { xy } : { digit }) });
  }

  ask(change) {
    this.by = change.by;
    this.flow.push({ model: this.model, z: this.code, view: this.view, ...change });
  }

  hear(reply) {
    const fresh = this.flow.acknowledge(reply.serial);
    if (reply.error) {
      console.warn(`Latent Explorer: ${reply.error}`);
      if (reply.serial === null) this.flow.stop(); // asked again, it would be refused again
      return;
    }
    // What the hand on the sliders has been told of the map before, or the other way round, is past.
    if (!fresh || reply.model !== this.model || reply.by !== this.by) return;
    if (reply.by === "map") this.code = reply.z;
    announceCursor(reply.cursor, reply.digit);
    announcePace(this.flow.pace);
    window.dispatchEvent(new CustomEvent(PICTURE, { detail: reply }));
  }
}

// Each component is a module of its own and has a class of its own: the page keeps the one channel.
function liveChannel(url) {
  if (!url) return null;
  window.latentExplorerLive ??= new Live(url);
  return window.latentExplorerLive;
}
