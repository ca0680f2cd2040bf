// A strip of digits for each latent dimension, with a mark where the code stands. Press a tile and the
// code goes there.

const TRAVERSALS = new WeakMap();
const KEYS = { ArrowLeft: -1, ArrowRight: 1 };

class Traversals {
  constructor(root, signal) {
    this.list = element("div", { className: "strips" });
    root.append(this.list);
    this.rows = [];
    this.flow = makeFlow((press, serial) => this.send("press", { ...press, serial }));
    onPicture(({ model, z }) => {
      if (model === this.data.model) this.mark(this.data.dims.map((dim) => z[dim]));
    }, signal);
  }

  update(data, send) {
    this.send = send;
    this.data = data;
    this.flow.acknowledge(data.ack);
    const shape = JSON.stringify([data.dims, data.steps, data.low, data.high]);
    if (shape !== this.shape) this.build(shape);
    const sheet = `url("${absolute(data.sheet)}")`;
    this.rows.forEach(({ tiles }, row) => layStrip(tiles, sheet, row, this.rows.length));
    this.mark(data.values);
    showStrips({ model: data.model, sheet, dims: data.dims, steps: data.steps });
  }

  build(shape) {
    this.shape = shape;
    this.rows = this.data.dims.map((dim) => this.row(dim));
    this.list.replaceChildren(...this.rows.map((row) => row.line));
  }

  row(dim) {
    const { steps } = this.data;
    const name = `z${dim + 1}`;
    const tiles = element("div", { className: "tiles" });
    tiles.style.aspectRatio = `${steps} / 1`;
    const line = element("div", { className: "strip" }, element("span", { textContent: name }), tiles);
    const mark = element("b");
    for (let step = 0; step < steps; step += 1) {
      const tile = element("button", { type: "button", tabIndex: -1 });
      tile.ariaLabel = `${name} = ${this.value(step).toFixed(1)}`;
      tile.title = tile.ariaLabel;
      tile.addEventListener("click", () => this.flow.push({ dim, value: this.value(step) }));
      tiles.append(tile);
    }
    walk(tiles, (key) => KEYS[key]);
    tiles.append(mark);
    return { line, tiles, mark, near: null };
  }

  value(step) {
    const { low, high, steps } = this.data;
    return Math.round((low + (step * (high - low)) / (steps - 1)) * 1e4) / 1e4;
  }

  // The tiles are centred on their values, so the strip reaches half a tile beyond either end.
  mark(values) {
    const { low, high, steps } = this.data;
    values.forEach((value, row) => {
      const { tiles, mark, near: before } = this.rows[row];
      const at = ((value - low) / (high - low)) * (steps - 1);
      mark.style.left = `${(100 * Math.min(steps, Math.max(0, at + 0.5))) / steps}%`;
      const near = Math.min(steps - 1, Math.max(0, Math.round(at)));
      if (near === before) return; // at sixty marks a second, nearly always
      this.rows[row].near = near;
      if (before !== null) tiles.children[before].tabIndex = -1;
      tiles.children[near].tabIndex = 0;
    });
  }

  destroy() {
    this.flow.stop();
  }
}

export default (component) => keep(TRAVERSALS, component, Traversals);
