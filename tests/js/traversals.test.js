// Where the tiles of a traversal and the mark of the code are.

import assert from "node:assert/strict";
import { test } from "node:test";

import { markOf, stepValue } from "../../explorer/components/traversal_steps.js";

const TRAVERSAL = { low: -3, high: 3, steps: 13 };

test("steps go from the low end to the high end", () => {
  assert.deepEqual([0, 6, 9, 12].map((step) => stepValue(TRAVERSAL, step)), [-3, 0, 1.5, 3]);
  assert.equal(stepValue({ low: 0, high: 1, steps: 4 }, 1), 0.3333, "rounded as Python rounds codes");
});

test("the mark of a step's value is in the middle of its tile", () => {
  for (let step = 0; step < TRAVERSAL.steps; step += 1) {
    const { fraction, nearest } = markOf(TRAVERSAL, stepValue(TRAVERSAL, step));
    assert.equal(nearest, step);
    assert(Math.abs(fraction - (step + 0.5) / TRAVERSAL.steps) < 1e-9);
  }
});

test("values beyond the strip are marked at its ends", () => {
  assert.deepEqual(markOf(TRAVERSAL, -99), { fraction: 0, nearest: 0 });
  assert.deepEqual(markOf(TRAVERSAL, 99), { fraction: 1, nearest: 12 });
});
