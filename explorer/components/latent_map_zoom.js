// What is seen of the map: by the buttons, by two fingers, and when one comes back from another page.

class Zoom {
  constructor(map) {
    this.map = map;
    this.held = null; // what two fingers hold
    // Not passive: two fingers are the map's, one scrolls the page. And before Plotly, which would
    // take the second finger's coming for a double click.
    const first = { passive: false, capture: true };
    for (const name of ["touchstart", "touchmove", "touchend", "touchcancel"]) {
      map.frame.addEventListener(name, (event) => this.pinch(event), first);
    }
  }

  show([left, right, bottom, top]) {
    const change = { "xaxis.range": [left, right], "yaxis.range": [bottom, top] };
    return window.Plotly.relayout(this.map.plot, change);
  }

  get range() {
    const { across, up } = this.map.axes;
    return [across.low, across.high, up.low, up.high];
  }

  // A press of a button: about the code where it is in sight, else about the middle.
  step(factor) {
    const [left, right, bottom, top] = this.range;
    const [x, y] = this.map.at ?? [NaN, NaN];
    const seen = x > left && x < right && y > bottom && y < top;
    const [a, b] = seen ? [x, y] : [(left + right) / 2, (bottom + top) / 2];
    const scale = (end, fixed) => fixed + factor * (end - fixed);
    this.show([scale(left, a), scale(right, a), scale(bottom, b), scale(top, b)]);
  }

  // The place of the data that lay between two fingers stays between them.
  pinch(event) {
    const { map } = this;
    if (!map.drawn || event.touches.length !== 2) return void (this.held = null);
    event.preventDefault();
    event.stopPropagation();
    const [one, other] = [...event.touches].map((touch) => map.spot(touch));
    const [left, top] = [(one.left + other.left) / 2, (one.top + other.top) / 2];
    const apart = Math.max(20, Math.hypot(one.left - other.left, one.top - other.top));
    const { across, up } = map.axes;
    if (!this.held) {
      map.hand.quit?.(); // the first of the two fingers was no press
      this.held = { place: map.units([left, top]), reach: (apart * (across.high - across.low)) / across.length };
      return;
    }
    const { place: [x, y], reach } = this.held;
    const unit = reach / apart; // of the data, a px
    const [low, high] = [x - left * unit, y + top * unit];
    this.show([low, low + across.length * unit, high - up.length * unit, high]);
  }

  // Plotly has been told of a change: where it is one of the zoom, it is kept.
  keep(change) {
    if (!Object.keys(change).some((name) => name.startsWith("xaxis.range"))) return;
    KEPT.zooms[this.map.plot.layout.uirevision] = this.range;
  }

  // On a map that has been drawn, what was last seen of the same points.
  async restore() {
    const kept = KEPT.zooms[this.map.plot.layout.uirevision];
    if (kept) await this.show(kept);
  }
}
