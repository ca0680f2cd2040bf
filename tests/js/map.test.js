// The geometry of the map, shapes drawn on it, and what the visitor chose.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  clamp, extendShape, isWithin, movedBy, nearestPoint, rangeAround, rangeOf, thumbnailPlace, tileOf, toPixels,
  toUnits, zoomAbout,
} from "../../explorer/components/map_axes.js";
import { mapChoices } from "../../explorer/components/map_choices.js";

// 100 px a unit across, 50 up
const AXES = {
  across: { offset: 46, length: 600, low: -3, high: 3 },
  up: { offset: 6, length: 200, low: -1, high: 3 },
};

test("pixels and units are inverse to one another, and the top is the high end", () => {
  assert.deepEqual(toPixels(AXES, [-3, 3]), [0, 0]);
  assert.deepEqual(toPixels(AXES, [3, -1]), [600, 200]);
  for (const point of [[0, 0], [1.25, 2.5], [-4, 5]]) assert.deepEqual(toUnits(AXES, toPixels(AXES, point)), point);
});

test("a pixel outside the axes is clamped to the nearest one within", () => {
  assert.deepEqual(clamp(AXES, [640, -30]), [600, 0]);
  assert.deepEqual(clamp(AXES, [-1, 201]), [0, 200]);
  assert.deepEqual(clamp(AXES, [30, 40]), [30, 40]);
  assert(isWithin(AXES, [0, 200]));
  assert(!isWithin(AXES, [-0.5, 10]));
  assert(!isWithin(AXES, [10, 200.5]));
});

test("a zoom keeps a visible point where it is, and otherwise the middle", () => {
  const range = rangeOf(AXES);
  assert.deepEqual(range, [-3, 3, -1, 3]);
  assert.deepEqual(zoomAbout(range, 0.5, [1, 2]), [-1, 2, 0.5, 2.5]);
  for (const point of [null, [5, 0], [0, 4]]) assert.deepEqual(zoomAbout(range, 2, point), [-6, 6, -3, 5]);
});

test("a pinch keeps the point between the fingers", () => {
  const unit = 0.005; // of the data per pixel
  const [left, right, bottom, top] = rangeAround(AXES, [1, 2], [300, 50], unit);
  const zoomed = {
    across: { ...AXES.across, low: left, high: right },
    up: { ...AXES.up, low: bottom, high: top },
  };
  const pixel = toPixels(zoomed, [1, 2]);
  assert(Math.hypot(pixel[0] - 300, pixel[1] - 50) < 1e-9);
  assert.equal((right - left) / AXES.across.length, unit);
  assert.equal((top - bottom) / AXES.up.length, unit);
});

test("an arrow key moves by a share of the visible range", () => {
  assert.deepEqual(movedBy(AXES, [1, 1], [1, 0], 0.01), [1.06, 1]);
  assert.deepEqual(movedBy(AXES, [1, 1], [0, -1], 0.05), [1, 0.8]);
});

const POINTS = { positions: new Float32Array([0, 0, 1, 1, 1.05, 1, 2, -0.5]), labels: new Uint16Array([3, 1, 2, 255]) };

test("the nearest point within reach is found, in pixels and not in units", () => {
  const find = (left, top, reach, hidden = []) => nearestPoint(POINTS, AXES, new Set(hidden), [left, top], reach);
  assert.equal(find(300, 150, 8), 0);
  assert.equal(find(300, 157, 8), 0);
  assert.equal(find(300, 159, 8), null);
  assert.equal(find(402, 100, 8), 1);
  assert.equal(find(404, 100, 8), 2);
  assert.equal(find(402, 100, 8, [1]), 2, "a hidden point cannot be clicked");
  assert.equal(find(402, 100, 8, [1, 2]), null);
  assert.equal(find(500, 175, 8, [0, 1, 2, 3]), 3, "a point without a label");
  assert.equal(nearestPoint({ positions: new Float32Array(), labels: new Uint16Array() }, AXES, new Set(), [0, 0], 9), null);
});

test("a thumbnail is above its point, or below where there is no space, and within the axes", () => {
  const place = (pixel) => thumbnailPlace(AXES, pixel, [100, 60]);
  assert.deepEqual(place([300, 150]), [46 + 250, 6 + 76]);
  assert.deepEqual(place([300, 40]), [46 + 250, 6 + 54]);
  assert.deepEqual(place([10, 150]), [46, 6 + 76]);
  assert.deepEqual(place([590, 150]), [46 + 500, 6 + 76]);
});

test("images are found in sheets of several rows, and in several sheets", () => {
  const size = { columns: 100, tiles: 10_000 };
  assert.deepEqual(tileOf(0, size), { sheet: 0, row: 0, column: 0 });
  assert.deepEqual(tileOf(9_999, size), { sheet: 0, row: 99, column: 99 });
  assert.deepEqual(tileOf(10_000, size), { sheet: 1, row: 0, column: 0 });
  assert.deepEqual(tileOf(25_432, size), { sheet: 2, row: 54, column: 32 });
});

test("a box has the press and the pointer as opposite corners", () => {
  let corners = [[10, 20]];
  for (const pixel of [[50, 60], [30, 5]]) corners = extendShape("box", corners, pixel);
  assert.deepEqual(corners, [[10, 20], [30, 20], [30, 5], [10, 5]]);
});

test("a lasso skips corners close to the last one, and their number is bounded", () => {
  let corners = [[0, 0]];
  for (const pixel of [[2, 2], [3, 2], [4, 1], [4, 4]]) corners = extendShape("lasso", corners, pixel);
  assert.deepEqual(corners, [[0, 0], [4, 1]]);
  for (let step = 0; step < 2000; step += 1) {
    const angle = (2 * Math.PI * step) / 2000;
    corners = extendShape("lasso", corners, [1e4 * Math.cos(angle), 1e4 * Math.sin(angle)]);
    assert(corners.length <= 400);
  }
  const turns = corners.slice(1).map(([x, y]) => Math.atan2(y, x));
  assert(turns.some((turn) => turn > 2) && turns.some((turn) => turn < -2), "all around is kept");
});

test("choices are kept for the page", () => {
  mapChoices().mode = "lasso";
  mapChoices().zooms.name = [0, 1, 0, 1];
  assert.equal(mapChoices().mode, "lasso");
  assert.deepEqual(mapChoices().zooms.name, [0, 1, 0, 1]);
  assert.equal(globalThis.latentExplorerMap, mapChoices());
});
