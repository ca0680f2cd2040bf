// What a hand does on the map. A pointer takes the code along, draws around points, presses one, or
// rests over one; the arrow keys move the code. Found here, not by Plotly's events: those know
// nothing of empty space.

const CLICK_SLIP = 5; // px a pointer may move between press and release and still be a click
const REACH = { mouse: 8, pen: 12, touch: 16 }; // px from a point that still press it
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const STITCH = 4; // px between the corners of a lasso: a hand's line needs no finer
const TWICE = 1000; // ms from the first press of a double click to its end, at most
const STEP = [0.01, 0.05]; // of what is seen that an arrow key goes, alone and with shift
const KEY_REST = 150; // ms without an arrow key, after which the code has come to rest
const CORNERS = 400; // of the longest lasso; beyond, every second one is dropped

class Hand {
  constructor(map) {
    this.map = map;
    this.quit = null; // ends the press that is under way
    const { frame } = map;
    frame.addEventListener("pointerdown", (event) => this.press(event), true);
    frame.addEventListener("mousedown", (event) => this.withhold(event), true);
    frame.addEventListener("dblclick", (event) => this.unzoom(event));
    frame.addEventListener("pointermove", (event) => this.hover(event));
    frame.addEventListener("keydown", (event) => this.key(event));
    frame.addEventListener("pointerleave", () => this.map.thumb.show(null));
  }

  press(event) {
    const { map } = this;
    if (!map.drawn || !event.isPrimary || event.button !== 0) return;
    if (event.target.closest(".modebar")) return;
    this.rest();
    const start = [event.clientX, event.clientY];
    const act = map.spot(event).inside ? this.gesture(event) : null;
    let moved = false;
    const stop = new AbortController();
    const move = (now) => {
      moved ||= Math.hypot(now.clientX - start[0], now.clientY - start[1]) >= CLICK_SLIP;
      if (moved && act) act.move(now);
    };
    const end = (up) => {
      stop.abort();
      this.quit = null;
      if (moved && act) act.end(up.type === "pointerup");
      if (moved) return;
      act?.cancel?.();
      if (up.type === "pointerup") this.click(up);
    };
    // On the window: Plotly covers the page while a button is down.
    const listen = (name, action) =>
      window.addEventListener(name, action, { capture: true, signal: stop.signal });
    map.signal.addEventListener("abort", () => stop.abort(), { signal: stop.signal });
    this.quit = () => end({ type: "pointercancel" });
    listen("pointermove", move);
    listen("pointerup", end);
    listen("pointercancel", end);
    listen("keydown", ({ key }) => {
      if (key !== "Escape" || !act?.cancel) return;
      stop.abort();
      act.cancel();
    });
  }

  // What a press that moves will do; null where it is Plotly's. Shift leaves the code where it is
  // and moves the map; a finger must take the cursor itself, for anywhere else it scrolls the page,
  // unless it is to draw.
  gesture(event) {
    const { map } = this;
    if (event.shiftKey) return null;
    if (map.tools.mode !== "code") return this.drawing(event);
    const held = event.pointerType !== "touch" || event.target === map.marks.handle;
    if (!map.data.draggable || !held) return null;
    return { move: (now) => this.drag(now), end: () => this.drop() };
  }

  // A press that takes hold of the code or draws is none of Plotly's: it would zoom into a box.
  withhold(event) {
    const { map } = this;
    if (!map.drawn || !this.owned || event.shiftKey || event.button !== 0) return;
    if (!event.target.closest(".modebar") && map.spot(event).inside) event.stopPropagation();
  }

  get owned() {
    return this.map.data.draggable || this.map.tools.mode !== "code";
  }

  // A double click is of the view alone: the code goes back to where it was before its two presses.
  unzoom(event) {
    const { map, pressed } = this;
    if (!map.drawn || event.target.closest(".modebar")) return;
    this.pressed = null;
    if (pressed && event.timeStamp - pressed.time < TWICE) map.takeBack(pressed);
    if (this.owned) map.zoom.show(map.data.range); // else Plotly has heard of it
  }

  // The cursor is under the pointer at once; the picture follows as fast as the server answers.
  drag(event) {
    this.map.root.classList.add("dragging");
    this.carry(...this.map.units(this.within(event)));
  }

  carry(x, y) {
    const { map } = this;
    map.dragging = true;
    if (map.live) map.channel.hold();
    map.thumb.show(null);
    [map.at, map.selected] = [[x, y], null];
    map.place();
    if (map.live) map.channel.aim([x, y]);
    else map.drags.push({ x, y });
  }

  drop() {
    const { map } = this;
    map.dragging = false;
    map.root.classList.remove("dragging");
    map.drags.stop();
    map.channel?.letGo();
    map.go(...map.at, null);
  }

  // The place in px within the axes, at their edge for a pointer beyond it.
  within(event) {
    const { left, top } = this.map.spot(event);
    const { across, up } = this.map.axes;
    return [Math.min(across.length, Math.max(0, left)), Math.min(up.length, Math.max(0, top))];
  }

  // A box or a lasso, in px until it is let go.
  drawing(event) {
    const { map } = this;
    const first = this.within(event);
    const boxed = map.tools.mode === "box";
    let corners = [first];
    map.thumb.show(null);
    map.dragging = true; // what lies under the pointer is of no interest now
    const finish = () => {
      map.dragging = false;
      map.marks.outline();
    };
    const move = (now) => {
      const [x, y] = this.within(now);
      const [lastX, lastY] = corners.at(-1);
      if (boxed) corners = [first, [x, first[1]], [x, y], [first[0], y]];
      else if (Math.hypot(x - lastX, y - lastY) >= STITCH) corners.push([x, y]);
      if (corners.length > CORNERS) corners = corners.filter((_, place) => place % 2 === 0);
      map.marks.sketched(corners);
    };
    const end = (released) => {
      finish();
      if (released && corners.length > 2) map.select(corners.map((each) => map.units(each)));
    };
    return { move, end, cancel: finish };
  }

  click(event) {
    const { map } = this;
    const { left, top, x, y, inside } = map.spot(event);
    if (!inside) return;
    this.note(event);
    const { number } = this.pressed;
    const index = map.nearest(left, top, REACH[event.pointerType] ?? REACH.mouse);
    if (index === null) map.go(x, y, null, number);
    else map.go(...map.points.spot(index), index, number);
  }

  // Where the code was before this press; for the second of a double click, before the first.
  note({ timeStamp: time, clientX: x, clientY: y }) {
    const { map, pressed } = this;
    if (pressed && time - pressed.time < TWICE && Math.hypot(x - pressed.x, y - pressed.y) < CLICK_SLIP) return;
    const { at, selected, channel } = map;
    this.pressed = { time, x, y, at, selected, code: channel?.code, number: Date.now() };
  }

  hover(event) {
    const { map } = this;
    if (!map.drawn || map.dragging || event.pointerType === "touch" || event.buttons) return;
    const { left, top, inside } = map.spot(event);
    const over = inside && !event.target.closest(".modebar");
    map.thumb.show(over ? map.nearest(left, top, REACH.mouse) : null);
  }

  key(event) {
    const { map } = this;
    const direction = ARROWS[event.key];
    if (event.target !== map.frame || !direction || !map.at) return;
    event.preventDefault();
    const { across, up } = map.axes;
    const share = STEP[Number(event.shiftKey)];
    const [x, y] = [across, up].map(({ low, high }, i) => map.at[i] + share * (high - low) * direction[i]);
    if (!map.data.draggable) return map.go(x, y, null);
    this.carry(x, y);
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.rest(), KEY_REST);
  }

  // A code that the keys have moved is where it was to come.
  rest() {
    if (!this.resting) return;
    this.resting = clearTimeout(this.resting);
    this.drop();
  }

  leave() {
    clearTimeout(this.resting);
    if (this.map.dragging) this.map.channel?.letGo();
  }
}
