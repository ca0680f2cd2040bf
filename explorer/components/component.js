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

// The element that a component draws in, kept over the runs of the script. A class is keyed by its
// parent element, because the default export is called again for each change of the data, with newer
// functions.
//
// Streamlit runs the cleanup of a call that a newer one has overtaken, before the newer or after it:
// our export loads a module, so it answers later. Only the newest call's cleanup takes the instance
// down, and only when no other call follows it; else a slider would be replaced under the hand.
const GONE = 200; // ms

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
  clearTimeout(instance.going);
  const call = (instance.calls ?? 0) + 1;
  instance.calls = call;
  instance.update(component.data[0], component.setStateValue);
  return () => {
    if (call !== instance.calls) return;
    instance.going = setTimeout(() => {
      instances.delete(parentElement);
      instance.destroy();
    }, GONE);
  };
}

// An element with properties and children, in one expression.
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
