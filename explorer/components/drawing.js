// A canvas to draw a digit on with mouse, pen or finger: white ink on near black, as MNIST has it.

const DRAWINGS = new WeakMap();
const PAPER = "#0b0e11";
const INK = "#ffffff";

class Drawing {
  constructor(root) {
    this.strokes = []; // each a list of [x, y] in canvas pixels
    this.active = null; // the stroke being drawn
    this.canvas = element("canvas", { tabIndex: 0 });
    this.canvas.setAttribute("role", "img");
    this.canvas.ariaLabel = "Canvas: draw a digit with mouse, pen or finger";
    this.hint = element("span", { className: "hint", textContent: "draw a digit" });
    this.undo = element("button", { type: "button", textContent: "Undo" });
    this.clear = element("button", { type: "button", textContent: "Clear" });
    this.undo.ariaLabel = "Undo the last stroke";
    this.clear.ariaLabel = "Clear the drawing";
    this.box = element("div", { className: "drawing" },
      element("div", { className: "paper" }, this.canvas, this.hint),
      element("div", { className: "buttons" }, this.undo, this.clear));
    root.append(this.box);
    this.flow = makeFlow((ink, serial) => {
      this.send("ink", { ...ink, serial, revision: this.revision });
    });
    this.listen();
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => {
      if (this.active || event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.pointer = event.pointerId;
      this.active = [this.spot(event)];
      this.strokes.push(this.active);
      this.draw();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!this.active || event.pointerId !== this.pointer) return;
      const events = event.getCoalescedEvents?.() ?? [];
      for (const each of events.length ? events : [event]) this.active.push(this.spot(each));
      this.draw();
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => {
        if (!this.active || event.pointerId !== this.pointer) return;
        this.active = null;
        this.tell();
      });
    }
    canvas.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key === "z") this.undo.click();
      else if (event.key === "Delete" || event.key === "Backspace") this.clear.click();
      else return;
      event.preventDefault();
    });
    this.undo.addEventListener("click", () => this.change(this.strokes.slice(0, -1)));
    this.clear.addEventListener("click", () => this.change([]));
  }

  update(data, send) {
    this.send = send;
    this.flow.acknowledge(data.ack);
    this.pen = data.pen;
    if (this.canvas.width !== data.size) {
      this.canvas.width = this.canvas.height = data.size;
      this.box.style.setProperty("--size", `${data.size}px`);
    }
    // one that is new here, after a visit to another page, goes on with what Python has kept
    if (data.clear_revision !== this.revision) this.strokes = [...data.strokes];
    this.revision = data.clear_revision;
    this.draw();
  }

  // From the screen's pixels to the canvas's, which differ where the page is narrow.
  spot(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / box.width;
    return [event.clientX - box.left, event.clientY - box.top].map((v) => Math.round(10 * v * scale) / 10);
  }

  change(strokes) {
    if (!this.strokes.length) return;
    this.strokes = strokes;
    this.draw();
    this.tell();
  }

  tell() {
    const { strokes } = this;
    const png = strokes.length ? this.canvas.toDataURL("image/png").split(",")[1] : null;
    this.flow.push({ png, strokes });
  }

  draw() {
    const pencil = this.canvas.getContext("2d");
    pencil.fillStyle = PAPER;
    pencil.fillRect(0, 0, this.canvas.width, this.canvas.height);
    pencil.strokeStyle = INK;
    pencil.lineWidth = this.pen;
    pencil.lineCap = pencil.lineJoin = "round";
    pencil.fillStyle = INK;
    for (const stroke of this.strokes) {
      pencil.beginPath();
      if (stroke.length === 1) {
        pencil.arc(...stroke[0], this.pen / 2, 0, 2 * Math.PI);
        pencil.fill();
        continue;
      }
      pencil.moveTo(...stroke[0]);
      // Curves through the middles of the segments: the corners between samples vanish.
      for (let i = 1; i < stroke.length - 1; i += 1) {
        const [x, y] = stroke[i];
        pencil.quadraticCurveTo(x, y, (x + stroke[i + 1][0]) / 2, (y + stroke[i + 1][1]) / 2);
      }
      pencil.lineTo(...stroke.at(-1));
      pencil.stroke();
    }
    this.hint.hidden = this.strokes.length > 0;
    this.undo.disabled = this.clear.disabled = this.strokes.length === 0;
  }

  destroy() {
    this.flow.stop();
  }
}

export default (component) => keep(DRAWINGS, component, Drawing);
