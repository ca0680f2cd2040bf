// Plotly's part of the map: its script, the axes, zoom and pan. `Points` paints the points.

import { element } from "./dom.js";
import { getShared, setShared, sharedOnce } from "./shared.js";
import { absolute, fetchBytes } from "./urls.js";

/** @typedef {import("./types").MapData} MapData */

const isTouch = () => matchMedia("(pointer: coarse)").matches;

/**
 * Fetch plotly.min.js without running it; `loadPlotly` takes what was fetched.
 * @param {string} url relative to the app's root
 */
export function preloadPlotly(url) {
  if (getShared("Plotly")) return;
  document.head.append(element("link", { rel: "preload", as: "script", href: absolute(url) }));
}

/**
 * Plotly, loaded once per page. After a failure the next call tries again.
 * @param {string} url relative to the app's root
 * @returns {Promise<any>}
 */
export function loadPlotly(url) {
  return sharedOnce("Plotly", () => new Promise((resolve, reject) => {
    const script = element("script", { src: absolute(url), async: true });
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      setShared("Plotly", undefined);
      script.remove();
      reject(new Error(`plotly.min.js did not load from ${script.src}`));
    };
    document.head.append(script);
  }));
}

/**
 * @param {string} url
 * @param {number} count
 * @returns {Promise<import("./map_points.js").PointData>}
 */
export async function fetchPoints(url, count) {
  const buffer = await fetchBytes(url, "the points");
  if (buffer.byteLength !== 10 * count) throw new Error(`the points did not load (${buffer.byteLength} bytes)`);
  return { positions: new Float32Array(buffer, 0, 2 * count), labels: new Uint16Array(buffer, 8 * count, count) };
}

/** @param {Element} root */
function readTheme(root) {
  const style = getComputedStyle(root);
  const read = (/** @type {string} */ name) => style.getPropertyValue(`--st-${name}`).trim();
  return {
    text: read("text-color"),
    background: read("background-color"),
    border: read("border-color"),
    gray: read("gray-text-color"),
    primary: read("primary-color"),
    font: read("font"),
  };
}

/**
 * The part of the layout that depends on the theme and the backdrop, for Plotly.relayout.
 * @param {Element} root
 * @param {boolean} overBackdrop whether there is a backdrop, on which grid lines would look like ink
 * @returns {Record<string, any>}
 */
export function figureStyle(root, overBackdrop) {
  const { text, background, border, gray, primary, font } = readTheme(root);
  /** @type {Record<string, any>} */
  const style = {
    font: { family: font, size: 13, color: text },
    modebar: { bgcolor: overBackdrop ? background : "rgba(0,0,0,0)", color: gray, activecolor: primary },
  };
  for (const axis of ["xaxis", "yaxis"]) {
    style[`${axis}.showgrid`] = style[`${axis}.zeroline`] = !overBackdrop;
    style[`${axis}.gridcolor`] = style[`${axis}.zerolinecolor`] = border;
    style[`${axis}.tickfont`] = { color: gray, size: 12 };
  }
  return style;
}

/**
 * @param {MapData} data
 * @param {Record<string, any>} style of `figureStyle`
 * @returns {Record<string, any>}
 */
function figureLayout({ range, axes, draggable }, style) {
  const axis = (/** @type {string} */ title, /** @type {number[]} */ ends) => ({
    title: { text: title, standoff: 6 },
    range: ends,
    zerolinewidth: 1,
    gridwidth: 1,
    ticks: "",
    nticks: 9,
  });
  /** @type {Record<string, any>} */
  const layout = {
    xaxis: axis(axes[0], range.slice(0, 2)),
    // Equal scales: distances on the map are proportional to those in the plane in all directions.
    yaxis: { ...axis(axes[1], range.slice(2)), scaleanchor: "x" },
    margin: { l: 46, r: 6, t: 6, b: 40, pad: 0 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    showlegend: false,
    hovermode: false,
    // A finger scrolls the page. A mouse drags the code on a draggable map (Plotly pans with shift);
    // otherwise it pans.
    dragmode: isTouch() ? false : draggable ? "zoom" : "pan",
    uirevision: viewName({ axes, range }),
  };
  for (const [path, value] of Object.entries(style)) {
    const [name, key] = path.split(".");
    if (key) layout[name][key] = value;
    else layout[name] = value;
  }
  return layout;
}

/** The key by which a zoom is kept: the axes and the points. @param {Pick<MapData, "axes" | "range">} data */
const viewName = ({ axes, range }) => JSON.stringify([axes, range]);

/**
 * Plotly's own zoom buttons zoom about the middle, which may move the code out of the visible range.
 * @param {any} icons
 * @param {(factor: number) => void} zoom
 */
function figureConfig(icons, zoom) {
  const button = (/** @type {string} */ name, /** @type {any} */ icon, /** @type {number} */ factor) =>
    ({ name, title: name, icon, click: () => zoom(factor) });
  return {
    scrollZoom: true,
    displaylogo: false,
    displayModeBar: isTouch() ? true : "hover",
    modeBarButtons: [
      [button("Zoom in", icons.zoom_plus, 0.5), button("Zoom out", icons.zoom_minus, 2), "resetScale2d"],
    ],
    doubleClick: "reset",
    responsive: false,
  };
}

/**
 * Draw the axes; Plotly draws them for a trace without points.
 * @param {any} Plotly
 * @param {HTMLElement} plot
 * @param {MapData} data
 * @param {Record<string, any>} style
 * @param {(factor: number) => void} zoom
 */
export function drawFigure(Plotly, plot, data, style, zoom) {
  const trace = { type: "scatter", x: [null], y: [null], hoverinfo: "skip" };
  return Plotly.react(plot, [trace], figureLayout(data, style), figureConfig(Plotly.Icons, zoom));
}

/**
 * Size and opacity of the points: larger where they are fewer or have glyphs, smaller over a backdrop,
 * whose images must stay recognisable.
 * @param {number} count
 * @param {boolean} overBackdrop
 * @param {boolean} hasGlyphs whether they differ by shape, too
 */
export function pointStyle(count, overBackdrop, hasGlyphs) {
  const disc = Math.min(7, Math.max(2.2, 4.4 - 1.6 * Math.log10(count / 10000)));
  const diameter = hasGlyphs ? 1.2 * disc + 1.6 : disc;
  return overBackdrop ? { diameter: 0.62 * diameter, opacity: 0.8 } : { diameter, opacity: 0.72 };
}
