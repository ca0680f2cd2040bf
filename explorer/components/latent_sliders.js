// A row for each latent dimension: name, range, number, note. While a hand is on a slider the
// browser owns the values; Python's are taken only when its `revision` changes.

const SLIDERS = new WeakMap();
const REST = 80; // ms without a move, after which a hand that has let go rests
const SIDEWAYS = 6; // px after which a finger is on its way along the rail and not down the page
const TOLD = 6000; // ms for which it is said why a number was not taken
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

// NaN for what is no decimal number; `Number` alone would take 0x10 and nothing, too.
function read(text) {
  const plain = text.trim().replace(",", ".").replace("\u2212", "-");
  return NUMBER.test(plain) ? Number(plain) : NaN;
}

class Sliders {
  constructor(root, signal) {
    this.list = element("div", { className: "list" });
    this.list.setAttribute("role", "group");
    root.append(this.list);
    this.values = [];
    this.rows = [];
    this.flow = makeFlow((hand, serial) => this.send("hand", { ...hand, serial }));
    onPicture((picture) => this.follow(picture), signal);
    onStrips((strips) => this.underlay(strips), signal);
  }

  update(data, send) {
    this.send = send;
    this.channel = liveChannel(data.live);
    [this.model, this.dims] = [data.model, data.dims];
    const fresh = this.flow.acknowledge(data.ack);
    if (fresh && data.revision === this.revision) this.adrift = false;
    if (fresh && !this.channel?.open) announcePace(this.flow.pace);
    if (data.cursor && !this.channel?.held) announceCursor(data.cursor, data.selected, data.answered);
    this.rest();
    const shape = JSON.stringify([data.names, data.low, data.high, data.step]);
    const rebuilt = shape !== this.shape;
    if (rebuilt) this.build(data, shape);
    this.describe(data);
    if (!rebuilt && data.revision === this.revision) return;
    this.revision = data.revision;
    if (this.adrift && !rebuilt) {
      // The server is another one than before and knows the link alone: the hand knows better.
      this.adrift = false;
      this.report();
      return;
    }
    this.values = [...data.values];
    this.values.forEach((_, index) => this.draw(index));
    this.takeUp();
  }

  // What a hand did last before its page was left, when nothing could be told any more.
  takeUp() {
    const { values, ...of } = window.latentExplorerUntold ?? {};
    if (!values || JSON.stringify(of) !== JSON.stringify(this.self)) return;
    window.latentExplorerUntold = null;
    this.values = values;
    this.values.forEach((_, index) => this.draw(index));
    this.moved = this.unheard = true;
    this.release();
  }

  // Which sliders these are, and since which move of Python's.
  get self() {
    const { model, dims, revision } = this;
    return { model, dims, revision };
  }

  build(data, shape) {
    this.shape = shape;
    this.low = data.low;
    this.high = data.high;
    this.step = data.step;
    this.farthest = data.farthest;
    this.decimals = Math.max(0, Math.ceil(-Math.log10(data.step)));
    this.list.style.setProperty("--zero", this.fraction(0));
    this.rows = data.names.map((name, index) => this.row(name, index, data));
    this.list.replaceChildren(...this.rows.map((row) => row.line));
    this.underlay(this.strips);
  }

  // What each slider leads to, behind it.
  underlay(strips) {
    this.strips = strips;
    const ours = strips && strips.model === this.model;
    this.rows.forEach(({ strip }, index) => {
      const row = ours ? strips.dims.indexOf(this.dims[index]) : -1;
      strip.hidden = row < 0;
      if (row < 0) return;
      strip.style.setProperty("--steps", strips.steps);
      layStrip(strip, strips.sheet, row, strips.dims.length);
    });
  }

  row(name, index, { low, high, step, noun }) {
    const label = element("span", { className: "name", textContent: name });
    const range = element("input", { type: "range", min: low, max: high, step });
    range.ariaLabel = noun ? `${name}, ${noun}` : name;
    const strip = element("span", { className: "underlay", hidden: true });
    const why = element("span", { className: "why", role: "status" });
    const rail = element("div", { className: "rail" }, strip, range, why);
    const number = element("input", { type: "text", inputMode: "decimal", className: "number" });
    number.ariaLabel = `${name}, value`;
    number.autocomplete = "off";
    const note = element("span", { className: "note" });
    const weight = element("span", { className: "weight" });
    const line = element("div", { className: "row" }, label, rail, number,
      element("span", { className: "aside" }, note, weight));
    this.slide(range, index);
    // A browser may keep "change" to itself where a drag has ended at the value that it began with.
    for (const name of ["change", "pointerup", "pointercancel", "blur"]) {
      range.addEventListener(name, () => this.moved && this.release());
    }
    for (const target of [range, label]) {
      target.title = "Double click: back to 0";
      target.addEventListener("dblclick", () => this.change(index, 0));
    }
    number.addEventListener("focus", () => number.select());
    number.addEventListener("change", () => this.enter(index, number.value));
    number.addEventListener("keydown", (event) => this.key(event, index));
    number.addEventListener("input", () => this.hush());
    return { line, range, strip, number, note, weight, why };
  }

  // A range jumps to the finger that touches it, be it to scroll the page. So the thumb stays until
  // the finger has gone sideways, or has left where it came; the browser cancels one that scrolls.
  slide(range, index) {
    let finger = null; // where it came down, and the value there
    range.addEventListener("pointerdown", ({ pointerType, clientX }) => {
      finger = pointerType === "touch" ? { clientX, value: this.values[index] } : null;
    });
    range.addEventListener("pointermove", ({ clientX }) => {
      if (finger && Math.abs(clientX - finger.clientX) > SIDEWAYS) finger = null;
    });
    range.addEventListener("pointercancel", () => (finger = null));
    range.addEventListener("pointerup", () => {
      const { value } = finger ?? { value: this.values[index] };
      finger = null;
      if (value !== this.values[index]) this.change(index, value, false);
    });
    range.addEventListener("input", () => {
      if (!finger) return this.change(index, Number(range.value), false);
      finger.value = Number(range.value);
      this.draw(index);
    });
  }

  describe({ notes, weights, max_height }) {
    this.list.style.setProperty("--max-height", max_height ? `${max_height}px` : "none");
    this.rows.forEach(({ line, note, weight }, index) => {
      note.textContent = notes[index] ?? "";
      weight.style.setProperty("--weight", weights[index] ?? 0);
      line.classList.toggle("bare", !notes.length);
    });
  }

  key(event, index) {
    const { number } = this.rows[index];
    const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (direction) {
      event.preventDefault();
      const value = this.values[index] + direction * this.step * (event.shiftKey ? 100 : 10);
      const within = Math.min(this.farthest, Math.max(-this.farthest, value));
      this.change(index, Math.round(within * 1e4) / 1e4);
    } else if (event.key === "Enter") {
      this.enter(index, number.value);
      number.select();
    } else if (event.key === "Escape") {
      this.draw(index);
      number.blur();
    }
  }

  enter(index, text) {
    if (text === this.shown(index)) return;
    const value = read(text);
    if (Math.abs(value) <= this.farthest) return this.change(index, value);
    this.draw(index);
    const said = text.trim();
    const quoted = `\u201c${said.length > 12 ? `${said.slice(0, 12)}\u2026` : said}\u201d`;
    if (!said) this.tell(index, "a number is needed");
    else if (Number.isNaN(value)) this.tell(index, `${quoted} is not a number`);
    else this.tell(index, `${quoted} is beyond ${this.farthest.toLocaleString("en")}`);
  }

  // Why a number was not taken: over its rail, and to a screen reader.
  tell(index, words) {
    this.hush();
    this.told = this.rows[index].why;
    this.told.textContent = words;
    this.telling = setTimeout(() => this.hush(), TOLD);
  }

  hush() {
    clearTimeout(this.telling);
    if (this.told) this.told.textContent = "";
    this.told = null;
  }

  // The map has moved the code.
  follow({ model, by, z }) {
    if (by !== "map" || model !== this.model) return;
    this.values = this.dims.map((dim) => z[dim]);
    this.values.forEach((_, index) => this.draw(index));
  }

  change(index, value, atRest = true) {
    this.values[index] = value;
    this.draw(index);
    clearTimeout(this.resting);
    if (this.told) this.hush();
    this.released = false;
    this.moved = true;
    // Before the first picture of this model the channel knows no code to start from.
    if (this.channel?.open && this.channel.model === this.model) {
      this.channel.hold();
      this.channel.steer(this.dims, this.values);
      this.unheard = true; // by Python
    } else this.report();
    if (atRest) this.release();
  }

  // With the revision that the hand moved on: what is sent again after Python has moved the code is
  // of the past.
  report() {
    this.flow.push({ values: [...this.values], revision: this.revision });
  }

  // A hand that has let go rests once Python has answered where it is: that is the time for what is
  // too heavy to follow every move. A key that is held down lets go again and again.
  release() {
    clearTimeout(this.resting);
    this.resting = setTimeout(() => {
      this.moved = false;
      if (this.unheard) this.report();
      this.adrift = Boolean(this.channel && !this.channel.open && !this.flow.settled); // sent to nobody
      this.unheard = false;
      this.released = true;
      this.rest();
    }, REST);
  }

  rest() {
    if (!this.released || !this.flow.settled) return;
    this.released = false;
    this.send("rest", Date.now());
    this.channel?.letGo();
  }

  // As many decimals as a step of the slider has.
  shown(index) {
    return this.values[index].toFixed(this.decimals);
  }

  fraction(value) {
    return Math.min(1, Math.max(0, (value - this.low) / (this.high - this.low)));
  }

  // The thumb stops at the ends of the range, the number tells the truth.
  draw(index) {
    const { line, range, number } = this.rows[index];
    const value = this.values[index];
    range.value = value;
    range.setAttribute("aria-valuetext", this.shown(index));
    number.value = this.shown(index);
    line.style.setProperty("--at", this.fraction(value));
    line.classList.toggle("beyond", value < this.low || value > this.high);
  }

  destroy() {
    const untold = this.unheard || !this.flow.settled;
    if (this.model && untold) window.latentExplorerUntold = { ...this.self, values: this.values };
    this.flow.stop();
    clearTimeout(this.resting);
    clearTimeout(this.telling);
    this.channel?.letGo();
  }
}

export default (component) => keep(SLIDERS, component, Sliders);
