// The colours of the map: legend, glyphs, chosen classes, scale, ticks, and the paint of each point.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  firstChosen, glyphsOf, isolated, legendEntries, toggled, withChoice,
} from "../../explorer/components/map_classes.js";
import { BEHIND, classPaint, hasBehind, HIDDEN, valuePaint } from "../../explorer/components/map_paint.js";
import {
  LEVELS, levelOf, scaleColours, scaleEnds, scaleTicks, valueText,
} from "../../explorer/components/map_scale.js";

const TEN = Array.from({ length: 10 }, (_, each) => `#0000${each}0`);
const classes = (count) => Array.from({ length: count }, (_, each) => ({ name: `${each}`, title: `class ${each}` }));
const repeated = (count) => Array.from({ length: count }, (_, each) => TEN[each % 10]);

// --- classes -------------------------------------------------------------------------------------

test("up to 26 classes, each has a pair of colour and glyph of its own", () => {
  for (const count of [1, 10, 11, 26]) {
    const entries = legendEntries(classes(count), repeated(count), []);
    assert.equal(entries.length, count);
    assert.equal(new Set(entries.map(({ colour, glyph }) => `${colour} ${glyph}`)).size, count);
    assert.deepEqual(entries.map(({ labels }) => labels), entries.map((_, each) => [each]));
  }
  assert.deepEqual(glyphsOf(TEN), TEN.map(() => 0), "ten differ by colour alone");
  assert.deepEqual(glyphsOf(repeated(26)).slice(8, 12), [0, 0, 1, 1]);
});

test("of more classes the chosen ones have colours, and all others are one entry", () => {
  const chosen = [7, null, 150, ...Array(7).fill(null)];
  const entries = legendEntries(classes(200), TEN, chosen);
  assert.deepEqual(entries.map(({ name }) => name), ["7", "150", "others"]);
  assert.deepEqual(entries.slice(0, 2).map(({ colour }) => colour), [TEN[0], TEN[2]]);
  const every = entries.flatMap(({ labels }) => labels).sort((a, b) => a - b);
  assert.deepEqual(every, classes(200).map((_, each) => each), "each class belongs to one entry");
  assert(entries[2].behind);
});

test("the most frequent classes are chosen first", () => {
  assert.deepEqual(firstChosen([4, 4, 4, 2, 2, 0, 9], 12, 3), [0, 2, 4]);
  assert.deepEqual(firstChosen([], 3, 2), [0, 1]);
  assert.deepEqual(firstChosen([3, 3, 1], 3, 1), [1], "3 stands for no label there");
});

test("a choice changes the colour of no other class", () => {
  const before = [3, 8, 5];
  assert.deepEqual(withChoice(before, 8), [3, null, 5]);
  assert.deepEqual(withChoice([3, null, 5], 9), [3, 9, 5]);
  assert.deepEqual(withChoice(before, 9), [3, 8, 9], "of a full list the last one is replaced");
  assert.deepEqual(before, [3, 8, 5]);
});

const ENTRY = (...labels) => ({ name: "", title: "", colour: TEN[0], glyph: 0, labels });

test("a click in the legend hides or shows an entry, and changes no set that was passed on", () => {
  const before = new Set([3]);
  assert.deepEqual(toggled(before, ENTRY(5)), new Set([3, 5]));
  assert.deepEqual(toggled(before, ENTRY(3)), new Set());
  assert.deepEqual(toggled(before, ENTRY(3, 4, 5)), new Set([3, 4, 5]), "partly hidden: all are hidden");
  assert.deepEqual(before, new Set([3]));
});

test("a double click isolates one entry, whichever were visible, and a second one shows all", () => {
  for (const entry of [ENTRY(3), ENTRY(3, 4)]) {
    const doubleClick = (hidden) => isolated(toggled(hidden, entry), entry, 10);
    const others = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9].filter((label) => !entry.labels.includes(label)));
    const all = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    for (const hidden of [new Set(), all, new Set([1, 2])]) assert.deepEqual(doubleClick(hidden), others);
    assert.deepEqual(doubleClick(others), new Set());
  }
});

// --- scale ---------------------------------------------------------------------------------------

const linear = (channel) => {
  const value = channel / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
};
const times = (matrix, vector) => matrix.map((row) => row.reduce((sum, each, place) => sum + each * vector[place], 0));
const luminance = (rgb) => times([[0.2126, 0.7152, 0.0722]], rgb.map(linear))[0];
const contrast = (one, other) => {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
};

/** OKLab by its definition (Ottosson 2020). */
function okLab(rgb) {
  const cones = times([
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
  ], rgb.map(linear)).map(Math.cbrt);
  return times([
    [0.2104542553, 0.793617785, -0.0040720468],
    [1.9779984951, -2.428592205, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.808675766],
  ], cones);
}

const apart = (one, other) => Math.hypot(...one.map((value, place) => value - other[place]));

test("equal steps of the scale are equal steps in OKLab", () => {
  for (const dark of [false, true]) {
    const every = scaleColours(dark).filter((_, level) => level % 15 === 0).map(okLab);
    const steps = every.slice(1).map((colour, place) => apart(colour, every[place]));
    const mean = steps.reduce((sum, step) => sum + step) / steps.length;
    for (const step of steps) assert(Math.abs(step / mean - 1) < 0.12, `${step} of ${mean}, dark: ${dark}`);
    assert(mean * steps.length > 0.4, "the ends are far apart");
  }
});

test("each colour of the scale has a contrast of 3 to the background of its theme", () => {
  for (const [dark, background] of [[false, [255, 255, 255]], [true, [14, 17, 23]]]) {
    for (const colour of scaleColours(dark)) assert(contrast(colour, background) >= 3, `${colour}, dark: ${dark}`);
  }
});

// Machado, Oliveira and Fernandes 2009, of full severity
const VISION = {
  usual: [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  protanopia: [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
  deuteranopia: [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
  tritanopia: [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
};

test("with every kind of colour vision the scale becomes lighter throughout", () => {
  for (const [name, matrix] of Object.entries(VISION)) {
    for (const dark of [false, true]) {
      const seen = scaleColours(dark).filter((_, level) => level % 15 === 0)
        .map((rgb) => times([[0.2126, 0.7152, 0.0722]], times(matrix, rgb.map(linear)))[0]);
      for (let place = 1; place < seen.length; place += 1) {
        assert(seen[place] > 1.01 * seen[place - 1], `${name}, dark: ${dark}, step ${place}`);
      }
    }
  }
});

test("the scale ends at percentiles, and values beyond have the colours of the ends", () => {
  const values = Float32Array.from({ length: 1001 }, (_, each) => each);
  values[7] = 1e6;
  values[8] = NaN;
  const [low, high] = scaleEnds(values);
  assert(low >= 8 && low <= 14, `${low}`);
  assert(high >= 988 && high <= 992, `${high}`);
  assert.equal(levelOf(-5, [low, high]), 0);
  assert.equal(levelOf(1e6, [low, high]), LEVELS - 1);
  assert.equal(levelOf((low + high) / 2, [low, high]), Math.round((LEVELS - 1) / 2));
  assert.deepEqual(scaleEnds(new Float32Array([3, 3, NaN])), [2.5, 3.5], "one value");
  assert.equal(scaleEnds(new Float32Array([NaN])), null);
});

test("ticks are round values within the ends", () => {
  const texts = (...ends) => scaleTicks(ends).map(({ text }) => text);
  assert.deepEqual(texts(-0.63, 0.71), ["\u22120.5", "0.0", "0.5"]);
  assert.deepEqual(texts(1.7, 6.2), ["2", "4", "6"]);
  assert.deepEqual(texts(60, 310), ["100", "200", "300"]);
  assert.deepEqual(texts(0.00012, 0.0009), ["0.0002", "0.0004", "0.0006", "0.0008"]);
  assert.deepEqual(texts(11_000, 42_000), ["20,000", "30,000", "40,000"]);
  for (let step = 0; step < 400; step += 1) {
    const low = (step - 200) * 0.37;
    const ends = [low, low + 10 ** ((step % 9) - 4) * (1 + (step % 7))];
    const ticks = scaleTicks(ends);
    assert(ticks.length >= 1 && ticks.length <= 4, `${ticks.length} for ${ends}`);
    for (const { value, share } of ticks) {
      assert(share >= -1e-6 && share <= 1 + 1e-6);
      assert(Math.abs(ends[0] + share * (ends[1] - ends[0]) - value) < 1e-6 * (1 + Math.abs(value)));
    }
  }
});

test("a value has the decimals that its steps need", () => {
  assert.equal(valueText(0.2, 0.05), "0.20");
  assert.equal(valueText(1234.4, 5), "1,234");
  assert.equal(valueText(-2, 1), "\u22122");
});

// --- paint ---------------------------------------------------------------------------------------

const rows = (paint) => Array.from({ length: paint.length / 4 }, (_, each) => [...paint.slice(4 * each, 4 * each + 4)]);

test("a point has the colour and the glyph of its class, unless it is hidden", () => {
  const entries = legendEntries(classes(12), repeated(12), []);
  const paint = classPaint(new Uint16Array([0, 11, 3]), entries, new Set([3]));
  assert.deepEqual(rows(paint), [[0, 0, 0, 0], [0, 0, 0x10, 1], [0, 0, 0x30, HIDDEN]]);
  assert(!hasBehind(paint));
});

test("classes without a colour are behind the chosen ones", () => {
  const entries = legendEntries(classes(300), TEN, [299, ...Array(9).fill(null)]);
  const paint = classPaint(new Uint16Array([0, 299, 298]), entries, new Set([298]));
  assert.deepEqual(rows(paint).map((row) => row[3]), [BEHIND, 0, HIDDEN]);
  assert(hasBehind(paint));
});

test("a point has the colour of its value, and is grey behind the others where it has none", () => {
  const colours = scaleColours(false);
  const values = new Float32Array([0, 1, 9, NaN, 0.5]);
  const paint = rows(valuePaint(values, [0, 1], colours, new Uint16Array([0, 0, 0, 0, 1]), new Set([1])));
  assert.deepEqual(paint[0], [...colours[0], 0]);
  assert.deepEqual(paint[1], [...colours[LEVELS - 1], 0]);
  assert.deepEqual(paint[2], paint[1]);
  assert.equal(paint[3][3], BEHIND);
  assert.equal(paint[4][3], HIDDEN);
});
