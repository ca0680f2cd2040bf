// What every component begins with: what it tells the others, and the element that it draws in.

// What the components of a page tell one another. Each is a module of its own, so the window is
// where they meet.
const PACE = "latent-explorer:pace";
const announcePace = (pace) => window.dispatchEvent(new CustomEvent(PACE, { detail: { ...pace } }));
const onPace = (follow, signal) =>
  window.addEventListener(PACE, (event) => follow(event.detail), { signal });

// Where the code stands, from the component that moved it to the map on the same page: the map then
// needs no run of its own while a hand is on the sliders.
const CURSOR = "latent-explorer:cursor";

function announceCursor(at, selected, answered) {
  window.dispatchEvent(new CustomEvent(CURSOR, { detail: { at, selected, answered } }));
}

function onCursor(follow, signal) {
  window.addEventListener(CURSOR, (event) => follow(event.detail), { signal });
}

// Another page of the app has been asked for: `turn(true)`; or this one again: `turn(false)`.
function onTurn(turn, signal) {
  const { pathname } = window.location;
  const listen = (name, hear) => window.addEventListener(name, hear, { capture: true, signal });
  listen("popstate", () => turn(window.location.pathname !== pathname));
  listen("click", ({ target, ctrlKey, metaKey, shiftKey }) => {
    const link = target.closest?.("a[href]");
    const tab = ctrlKey || metaKey || shiftKey || link?.target; // of its own
    if (link && !tab && link.origin === window.location.origin) turn(link.pathname !== pathname);
  });
}

// The element that a component draws in, kept over the runs of the script. An instance is keyed by
// its parent element, because the default export is called again for each change of the data, with newer
// functions.
//
// Streamlit runs the cleanup of a call that a newer one has overtaken, before the newer or after it:
// our export loads a module, so it answers later. Only the newest call's cleanup takes the instance
// down, and only when no other call follows it; else a slider would be replaced under the hand.
//
// Of a page that is being left Python is told nothing. What is sent behind the message that asks for another
// one names the page it comes from, and of two messages that wait Streamlit takes the newer one's
// page: the visitor would stay where he is.
const GONE = 200; // ms
const HUSHED = 60_000; // ms in which the other page comes, torch's import included

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
    const presence = new AbortController(); // its signal ends what an instance listens to
    instance = new Kind(root, presence.signal);
    Object.assign(instance, { presence, hushed: 0 });
    onTurn((away) => (instance.hushed = away ? performance.now() + HUSHED : 0), presence.signal);
    instances.set(parentElement, instance);
  }
  clearTimeout(instance.going);
  const call = (instance.calls ?? 0) + 1;
  instance.calls = call;
  instance.update(component.data[0], (name, value) => {
    if (performance.now() >= instance.hushed) component.setStateValue(name, value);
  });
  return () => {
    if (call !== instance.calls) return;
    instance.going = setTimeout(() => {
      instances.delete(parentElement);
      instance.presence.abort();
      instance.destroy();
    }, GONE);
  };
}

// The arrow keys go from one of a list's buttons to another: `stride` of a key says how many further.
function walk(list, stride) {
  list.addEventListener("keydown", (event) => {
    const next = list.children[[...list.children].indexOf(event.target) + stride(event.key)];
    if (next?.tagName !== "BUTTON") return;
    event.preventDefault();
    next.focus();
  });
}

// An element with properties and children, in one expression.
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
