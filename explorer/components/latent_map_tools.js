// The row above the map: the legend that filters, what a press does, the backdrop's switch.

const MODES = {
  code: ["Move", "Press or drag: the code goes there", "M8 1v14M1 8h14M5 8a3 3 0 1 0 6 0 3 3 0 1 0-6 0"],
  box: ["Box", "Drag a box around digits to see them", "M2 3.5h12v9h-12z"],
  lasso: [
    "Lasso",
    "Draw around digits to see them",
    "M4.6 10.4C2.9 9.6 2 8.4 2 7c0-2.5 2.7-4.5 6-4.5S14 4.5 14 7s-2.7 4.5-6 4.5c-.6 0-1.2-.1-1.8-.2M6.2 11.3a1.7 1.7 0 1 0-1.6-.9c.9 1.5.6 3-.6 4.1",
  ],
};

const SHEET = "M2 2h5v5h-5zM9 2h5v5h-5zM2 9h5v5h-5zM9 9h5v5h-5z";

// What the visitor has chosen stays while other pages and models are shown: in the window, so that
// each tab has its own.
const KEPT = (window.latentExplorerMap ??= {
  hidden: new Set(), // digits that the legend switched off
  mode: "code",
  zooms: {}, // by the points and axes that they are of
});

class Tools {
  constructor(map) {
    this.map = map;
    this.legend = group("legend", "Digits shown on the map");
    this.modes = group("modes", "What a drag on the map does");
    for (const [mode, [words, title, path]] of Object.entries(MODES)) {
      const button = element("button", { type: "button", title, textContent: words });
      button.dataset.mode = mode;
      button.prepend(icon(path));
      button.addEventListener("click", () => this.choose(mode));
      this.modes.append(button);
    }
    this.switch = element("button", { type: "button", className: "switch" });
    this.switch.addEventListener("click", () => map.lay(!map.behind));
    this.bar = element("div", { className: "map-bar" }, this.legend,
      element("div", { className: "tools" }, this.modes, this.switch));
  }

  update({ colours, classes, selectable, backdrop_words: words }) {
    this.modes.hidden = !selectable;
    this.switch.hidden = !words;
    this.switch.replaceChildren(icon(SHEET), words ?? "");
    this.switch.title = "What the codes under the points decode to";
    const shape = JSON.stringify([colours, classes]);
    if (shape !== this.shape) this.drawLegend(colours, classes);
    this.shape = shape;
    this.mark();
  }

  get hidden() {
    return KEPT.hidden;
  }

  get mode() {
    return this.map.data?.selectable ? KEPT.mode : "code";
  }

  choose(mode) {
    KEPT.mode = mode;
    this.mark();
  }

  drawLegend(colours, classes) {
    const chips = colours.map((colour, digit) => {
      const chip = element("button", { type: "button", title: "Click: hide or show. Double click: this one alone" },
        element("i"), classes[digit].name);
      chip.style.setProperty("--colour", colour);
      chip.ariaLabel = classes[digit].title;
      chip.addEventListener("click", (event) => {
        if (event.detail < 2) this.toggle(digit);
      });
      chip.addEventListener("dblclick", () => this.isolate(digit));
      return chip;
    });
    this.legend.replaceChildren(...chips);
  }

  mark() {
    [...this.legend.children].forEach((chip, digit) => {
      chip.ariaPressed = String(!this.hidden.has(digit));
    });
    for (const button of this.modes.children) {
      button.ariaPressed = String(button.dataset.mode === this.mode);
    }
    this.switch.ariaPressed = String(Boolean(this.map.behind));
    this.map.root.classList.toggle("selecting", this.mode !== "code");
  }

  toggle(digit) {
    if (!this.hidden.delete(digit)) this.hidden.add(digit);
    this.filter();
  }

  // One digit alone, or all again where it was alone: the first click of the two has hidden it then.
  isolate(digit) {
    const others = this.map.data.colours.map((_, each) => each).filter((each) => each !== digit);
    const alone = this.hidden.size === others.length + 1;
    KEPT.hidden = new Set(alone ? [] : others);
    this.filter();
  }

  filter() {
    this.mark();
    this.map.paint();
  }
}

function group(className, words) {
  const made = element("div", { className, ariaLabel: words });
  made.setAttribute("role", "group");
  return made;
}

// A drawing of one line, 16 px a side.
function icon(path) {
  const drawing = svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" });
  drawing.append(svg("path", { d: path }));
  return drawing;
}

function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
