// The strips of a model's traversals, laid under the sliders of the same page too. Kept on the window,
// for whoever comes later.
const STRIPS = "latent-explorer:strips";

function showStrips(strips) {
  window.latentExplorerStrips = strips;
  window.dispatchEvent(new CustomEvent(STRIPS, { detail: strips }));
}

function onStrips(follow, signal) {
  if (window.latentExplorerStrips) follow(window.latentExplorerStrips);
  window.addEventListener(STRIPS, (event) => follow(event.detail), { signal });
}

// One row of a sheet of rows as the ground of a box.
function layStrip(box, sheet, row, rows) {
  box.style.backgroundImage = sheet;
  box.style.backgroundSize = `100% ${100 * rows}%`;
  box.style.backgroundPositionY = rows > 1 ? `${(100 * row) / (rows - 1)}%` : "0";
}
