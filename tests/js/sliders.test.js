// What number boxes accept, what sliders show, and what a finger on a rail does.

import assert from "node:assert/strict";
import { test } from "node:test";

import { listenToRange } from "../../explorer/components/slider_touch.js";
import { decimalsOf, fractionOf, parseNumber, refusal, steppedValue } from "../../explorer/components/slider_values.js";

const FARTHEST = 1e6;

test("numbers are read in any notation", () => {
  const numbers = { "1,5": 1.5, "\u22121.5": -1.5, "5.25": 5.25, " +2 ": 2, ".5": 0.5, "3.": 3, "1e-2": 0.01, "1e9": 1e9 };
  for (const [text, value] of Object.entries(numbers)) assert.equal(parseNumber(text), value, text);
});

test("texts that are not decimal numbers are NaN", () => {
  for (const text of ["", " ", "abc", "0x10", "much", "1.2.3", "1,2,3", "--1", "e5", "Infinity", "NaN", "1 2"]) {
    assert(Number.isNaN(parseNumber(text)), text);
  }
});

test("a refusal quotes the text and gives the reason", () => {
  const reasons = {
    abc: "\u201cabc\u201d is not a number",
    "0x10": "\u201c0x10\u201d is not a number",
    "1e9": "\u201c1e9\u201d is beyond 1,000,000",
    "-1e9": "\u201c-1e9\u201d is beyond 1,000,000",
    "": "a number is needed",
    "  ": "a number is needed",
    "a text that is long": "\u201ca text that \u2026\u201d is not a number",
  };
  for (const [text, reason] of Object.entries(reasons)) assert.equal(refusal(text, FARTHEST), reason);
  for (const text of ["0", "1,5", "-1e6", "1e6"]) assert.equal(refusal(text, FARTHEST), "");
});

test("a number has the decimals of a step", () => {
  assert.deepEqual([0.01, 0.1, 1, 10, 0.005].map(decimalsOf), [2, 1, 0, 0, 3]);
});

test("the thumb stops at the ends of the range", () => {
  const range = { low: -3, high: 3 };
  assert.deepEqual([-9, -3, 0, 1.5, 3, 4.2].map((value) => fractionOf(value, range)), [0, 0, 0.5, 0.75, 1, 1]);
});

test("arrow keys move by ten steps, with shift by a hundred, and never beyond the farthest value", () => {
  const key = { direction: 1, shift: false, step: 0.01, farthest: FARTHEST };
  assert.equal(steppedValue(1.25, key), 1.35);
  assert.equal(steppedValue(1.25, { ...key, direction: -1, shift: true }), 0.25);
  assert.equal(steppedValue(0.3, { ...key, step: 1, shift: true }), 100.3);
  assert.equal(steppedValue(FARTHEST, key), FARTHEST);
  assert.equal(steppedValue(-FARTHEST, { ...key, direction: -1 }), -FARTHEST);
});

/** A range input, the values that it was changed to, and a function that sends it pointer events. */
function touched() {
  const range = Object.assign(new EventTarget(), { value: "0" });
  const slider = { value: 0, changes: [], drawn: 0 };
  listenToRange(range, {
    value: () => slider.value,
    draw: () => (slider.drawn += 1),
    change: (value) => slider.changes.push((slider.value = value)),
  });
  const send = (name, properties = {}) => range.dispatchEvent(Object.assign(new Event(name), properties));
  const input = (value) => {
    range.value = String(value);
    send("input");
  };
  return { slider, send, input };
}

test("a finger that scrolls the page leaves the value as it was", () => {
  const { slider, send, input } = touched();
  send("pointerdown", { pointerType: "touch", clientX: 100 });
  input(2); // the browser moves the thumb to the finger at once
  send("pointermove", { clientX: 103 });
  send("pointercancel");
  assert.deepEqual(slider.changes, []);
  assert.equal(slider.drawn, 1, "the thumb is drawn where it was");
});

test("a tap moves the thumb to the finger", () => {
  const { slider, send, input } = touched();
  send("pointerdown", { pointerType: "touch", clientX: 100 });
  input(2);
  send("pointerup");
  assert.deepEqual(slider.changes, [2]);
});

test("a finger that moves sideways drags the thumb", () => {
  const { slider, send, input } = touched();
  send("pointerdown", { pointerType: "touch", clientX: 100 });
  input(2);
  send("pointermove", { clientX: 107 });
  input(2.2);
  input(2.4);
  send("pointerup");
  assert.deepEqual(slider.changes, [2.2, 2.4]);
});

test("a mouse drags the thumb immediately", () => {
  const { slider, send, input } = touched();
  send("pointerdown", { pointerType: "mouse", clientX: 100 });
  input(2);
  send("pointerup");
  assert.deepEqual(slider.changes, [2]);
});
