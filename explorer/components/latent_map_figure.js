// What the map asks of Plotly: its script, the points, and the figure made of them.

// Streamlit's own script tag tells where the app's root is, whatever the path prefix.
function absolute(url) {
  const main = document.querySelector('script[src*="/static/js/"]').src;
  return main.slice(0, main.lastIndexOf("/static/js/") + 1) + url;
}

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
  const response = await fetch(absolute(url));
  if (!response.ok) throw new Error(`the points did not load (${response.status})`);
  const buffer = await response.arrayBuffer();
  return {
    positions: new Float32Array(buffer, 0, 2 * count), // x0 y0 x1 y1 ...
    labels: new Uint8Array(buffer, 8 * count, count),
  };
}

function readTheme(root) {
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(`--st-${name}`).trim();
  return {
    text: read("text-color"),
    faint: read("border-color"),
    quiet: read("gray-text-color"),
    ground: read("background-color"),
    accent: read("primary-color"),
    font: read("font"),
  };
}

// One trace a digit, so that the legend can filter; each point carries its index for the hover.
function figureTraces({ colours, count }, positions, labels, hidden) {
  const sizes = new Uint32Array(colours.length);
  for (const label of labels) sizes[label] += 1;
  const size = Math.min(7, Math.max(2.2, 4.4 - 1.6 * Math.log10(count / 10000)));
  const traces = colours.map((color, digit) => ({
    type: "scattergl",
    mode: "markers",
    name: String(digit),
    x: new Float32Array(sizes[digit]),
    y: new Float32Array(sizes[digit]),
    customdata: new Uint32Array(sizes[digit]),
    visible: !hidden.has(digit),
    marker: { color, size, opacity: 0.72 },
    hoverinfo: "none", // the label is ours: it shows pictures
  }));
  const filled = new Uint32Array(colours.length);
  labels.forEach((label, index) => {
    const trace = traces[label];
    const slot = filled[label]++;
    trace.x[slot] = positions[2 * index];
    trace.y[slot] = positions[2 * index + 1];
    trace.customdata[slot] = index;
  });
  return traces;
}

function figureLayout(data, theme) {
  const { range, axes } = data;
  const axis = (title, ends) => ({
    title: { text: title, standoff: 6 },
    range: ends,
    zeroline: true,
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
    hovermode: "closest",
    hoverdistance: 12,
    // A finger scrolls the page past the map and taps it; a mouse drags the code, where that can be
    // (Plotly pans with shift all the same), else the map.
    dragmode: isTouch() ? false : data.draggable ? "zoom" : "pan",
    uirevision: JSON.stringify([axes, range]),
  };
  for (const [path, value] of Object.entries(figureLook(data, theme))) {
    const [name, key] = path.split(".");
    if (key) layout[name][key] = value;
    else layout[name] = value;
  }
  return layout;
}

// What may change without a redraw of the points, as Plotly.relayout takes it.
function figureLook(data, { text, faint, quiet, ground, accent, font }) {
  const change = {
    images: figureImages(data),
    font: { family: font, size: 13, color: text },
    hoverlabel: {
      bgcolor: ground,
      bordercolor: faint,
      font: { color: text, family: font, size: 13 },
    },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: quiet, activecolor: accent },
  };
  for (const axis of ["xaxis", "yaxis"]) {
    change[`${axis}.showgrid`] = !data.backdrop; // lines across the digits would be read as ink
    change[`${axis}.gridcolor`] = faint;
    change[`${axis}.zerolinecolor`] = faint;
    change[`${axis}.tickfont`] = { color: quiet, size: 12 };
  }
  return change;
}

function figureImages({ backdrop, backdrop_range: box }) {
  if (!backdrop) return [];
  const [left, right, bottom, top] = box;
  const place = { layer: "below", sizing: "stretch", xref: "x", yref: "y", x: left, y: top };
  return [{ ...place, source: absolute(backdrop), sizex: right - left, sizey: top - bottom }];
}

function figureConfig() {
  return {
    scrollZoom: true,
    displaylogo: false,
    displayModeBar: isTouch() ? true : "hover",
    modeBarButtons: [["zoomIn2d", "zoomOut2d", "resetScale2d"]],
    doubleClick: "reset",
    responsive: false,
  };
}

const isTouch = () => matchMedia("(pointer: coarse)").matches;
