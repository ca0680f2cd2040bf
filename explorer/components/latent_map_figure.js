// What the map asks of Plotly: its script and the axes. The points are painted by `Points`.

// Once per page, however many maps there are; a failure is forgotten, so that a later run retries.
function loadPlotly(url) {
  window.latentExplorerPlotly ??= new Promise((resolve, reject) => {
    const script = element("script", { src: absolute(url), async: true });
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      window.latentExplorerPlotly = undefined;
      script.remove();
      reject(new Error(`plotly.min.js did not load from ${script.src}`));
    };
    document.head.append(script);
  });
  return window.latentExplorerPlotly;
}

async function fetchPoints(url, count) {
  const buffer = await fetchBytes(url, "the points");
  return {
    positions: new Float32Array(buffer, 0, 2 * count), // x0 y0 x1 y1 ...
    labels: new Uint8Array(buffer, 8 * count, count),
  };
}

// Plotly's script, its plot and the points take 0.2 s each where there is no graphics card: what else
// waits to be painted, the first picture above all, is let through between them.
const breathe = () => new Promise((done) => setTimeout(done, 30));

function readTheme(root) {
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(`--st-${name}`).trim();
  return {
    text: read("text-color"),
    ground: read("background-color"),
    faint: read("border-color"),
    quiet: read("gray-text-color"),
    accent: read("primary-color"),
    font: read("font"),
  };
}

// Plotly draws axes for what lies on them: one trace of nothing.
const figureTraces = () => [{ type: "scatter", x: [null], y: [null], hoverinfo: "skip" }];

function figureLayout(data, theme, behind) {
  const { range, axes } = data;
  const axis = (title, ends) => ({
    title: { text: title, standoff: 6 },
    range: ends,
    zerolinewidth: 1,
    gridwidth: 1,
    ticks: "",
    nticks: 9,
  });
  const layout = {
    xaxis: axis(axes[0], range.slice(0, 2)),
    // Equal scales: a distance on the map is a distance in the latent space, in all directions.
    yaxis: { ...axis(axes[1], range.slice(2)), scaleanchor: "x" },
    margin: { l: 46, r: 6, t: 6, b: 40, pad: 0 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    showlegend: false,
    hovermode: false, // what lies under the pointer is found and shown here
    // A finger scrolls the page past the map and taps it; a mouse drags the code, where that can be
    // (Plotly pans with shift all the same), else the map.
    dragmode: isTouch() ? false : data.draggable ? "zoom" : "pan",
    uirevision: JSON.stringify([axes, range]),
  };
  for (const [path, value] of Object.entries(figureLook(theme, behind))) {
    const [name, key] = path.split(".");
    if (key) layout[name][key] = value;
    else layout[name] = value;
  }
  return layout;
}

// What changes with the theme and the backdrop, as Plotly.relayout takes it.
function figureLook({ text, ground, faint, quiet, accent, font }, behind) {
  const change = {
    font: { family: font, size: 13, color: text },
    modebar: { bgcolor: behind ? ground : "rgba(0,0,0,0)", color: quiet, activecolor: accent },
  };
  for (const axis of ["xaxis", "yaxis"]) {
    // lines across the digits would be read as ink
    change[`${axis}.showgrid`] = change[`${axis}.zeroline`] = !behind;
    change[`${axis}.gridcolor`] = faint;
    change[`${axis}.zerolinecolor`] = faint;
    change[`${axis}.tickfont`] = { color: quiet, size: 12 };
  }
  return change;
}

// Plotly's own two buttons would zoom about the middle, and the code out of sight.
function figureConfig(zoom) {
  const { zoom_plus: plus, zoom_minus: minus } = window.Plotly.Icons;
  const button = (name, icon, factor) => ({ name, title: name, icon, click: () => zoom.step(factor) });
  return {
    scrollZoom: true,
    displaylogo: false,
    displayModeBar: isTouch() ? true : "hover",
    modeBarButtons: [[button("Zoom in", plus, 0.5), button("Zoom out", minus, 2), "resetScale2d"]],
    doubleClick: "reset",
    responsive: false,
  };
}

// Fewer points can be larger; over a backdrop they are smaller, so that its digits can be read.
function pointLook({ count }, behind) {
  const diameter = Math.min(7, Math.max(2.2, 4.4 - 1.6 * Math.log10(count / 10000)));
  return behind ? { diameter: 0.62 * diameter, opacity: 0.8 } : { diameter, opacity: 0.72 };
}

const isTouch = () => matchMedia("(pointer: coarse)").matches;
