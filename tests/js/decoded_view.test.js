// The pixels of an image, and which classes have a bar.

import assert from "node:assert/strict";
import test from "node:test";

import { shownClasses } from "../../explorer/components/class_bars.js";
import { fillPixels } from "../../explorer/components/image_canvas.js";

/** @param {number[]} values */
const bytes = (...values) => String.fromCharCode(...values);

test("grey values fill three channels, colours one each, and alpha stays", () => {
  const grey = new Uint8ClampedArray(8).fill(255);
  fillPixels(grey, bytes(7, 250), 1);
  assert.deepEqual([...grey], [7, 7, 7, 255, 250, 250, 250, 255]);
  const colour = new Uint8ClampedArray(8).fill(255);
  fillPixels(colour, bytes(1, 2, 3, 4, 5, 6), 3);
  assert.deepEqual([...colour], [1, 2, 3, 255, 4, 5, 6, 255]);
});

test("all of a few classes are shown in their order", () => {
  assert.deepEqual(shownClasses([0, 0.2, 0.8], 3), [0, 1, 2]);
  assert.deepEqual(shownClasses([]), []);
});

test("of many classes those with the largest shares are shown, and none without a share", () => {
  const shares = Array.from({ length: 26 }, (_, label) => (label % 2 ? 0 : label / 100));
  assert.deepEqual(shownClasses(shares, 3), [24, 22, 20]);
  assert.deepEqual(shownClasses([0, 0, 0.5, 0.5], 3), [2, 3]);
});
