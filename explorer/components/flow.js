// Flow control that the components share: a bounded number of requests in flight, the newest value
// wins. A hand moves faster than a distant server replies; sending every event would queue up and
// the picture would trail behind. What waits is overwritten by what comes, and the last value is
// always sent.
//
//   const flow = makeFlow((value, serial) => send(value, serial));
//   flow.push(value);              a new value; sent now or when there is room
//   flow.acknowledge(serial);      the server has answered everything up to serial
//   flow.settled                   nothing in flight, nothing waiting: the server's state is ours
//
// Serials grow with the clock, so those of a page opened later are larger than the earlier ones'.
// A request without an answer stops counting after `patience` ms (a run that was interrupted before
// it mounted the component never answers).
function makeFlow(send, { limit = 1, patience = 1500, now = () => Date.now() } = {}) {
  let serial = 0;
  let inFlight = []; // {serial, time}, oldest first
  let waiting = null; // {value}
  let timer = null;

  function pump() {
    clearTimeout(timer);
    timer = null;
    const current = now();
    inFlight = inFlight.filter((request) => current - request.time < patience);
    if (waiting && inFlight.length < limit) {
      const { value } = waiting;
      waiting = null;
      serial = Math.max(serial + 1, current);
      inFlight.push({ serial, time: current });
      send(value, serial);
    }
    if (inFlight.length) timer = setTimeout(pump, inFlight[0].time + patience - current);
  }

  return {
    push(value) {
      waiting = { value };
      pump();
    },
    acknowledge(upTo) {
      if (typeof upTo !== "number") return;
      inFlight = inFlight.filter((request) => request.serial > upTo);
      pump();
    },
    stop() {
      clearTimeout(timer);
      waiting = null;
      inFlight = [];
    },
    get settled() {
      return !waiting && inFlight.length === 0;
    },
  };
}

// Where the code stands, from the component that moved it to the map on the same page: the map then
// needs no run of its own while a hand is on the sliders.
const CURSOR = "latent-explorer:cursor";

function announceCursor(at, selected, answered) {
  window.dispatchEvent(new CustomEvent(CURSOR, { detail: { at, selected, answered } }));
}

function onCursor(follow, signal) {
  window.addEventListener(CURSOR, (event) => follow(event.detail), { signal });
}

// The element that a component draws in, kept over the runs of the script; `make` builds it once.
// A class is keyed by its parent element, because the default export is called again for each
// change of the data, with newer functions.
function keep(instances, component, Kind) {
  const { parentElement } = component;
  let instance = instances.get(parentElement);
  if (!instance) {
    for (const old of parentElement.querySelectorAll("[data-latent-explorer]")) old.remove();
    const style = document.createElement("style");
    style.textContent = STYLE;
    const root = document.createElement("div");
    root.dataset.latentExplorer = Kind.name;
    root.append(style);
    parentElement.append(root);
    instance = new Kind(root);
    instances.set(parentElement, instance);
  }
  instance.update(component.data, component.setStateValue);
  return () => {
    instances.delete(parentElement);
    instance.destroy();
  };
}

// An element with properties and children, in one expression.
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
