// How the classes are told apart on the map: ten by colour, more by colour and glyph, and where they
// are too many for that, a few that the visitor chooses, before the others in grey. No DOM.

export const GREY = "#8d96a0"; // of what has no colour of its own; legible on both themes
export const GLYPHS = 3; // shapes of points: a disc, a triangle, a cross

/**
 * @typedef {{ name: string, title: string, colour: string, glyph: number, labels: number[], behind?: boolean }} Entry
 *   of the legend, with the labels of its points; `behind`: painted before the others
 * @typedef {(number | null)[]} Chosen the label that has each of the colours
 */

/**
 * The glyph of each colour: how many colours before it are the same.
 * @param {string[]} colours
 */
export const glyphsOf = (colours) =>
  colours.map((colour, place) => colours.slice(0, place).filter((other) => other === colour).length % GLYPHS);

/**
 * The entries of the legend.
 *
 * @param {{ name: string, title: string }[]} classes by label; a last one for points without a label
 * @param {string[]} colours by class, or fewer, which the chosen classes have
 * @param {Chosen} chosen
 * @returns {Entry[]}
 */
export function legendEntries(classes, colours, chosen) {
  const entry = (/** @type {number} */ label, /** @type {string} */ colour, /** @type {number} */ glyph) =>
    ({ name: classes[label].name, title: classes[label].title, colour, glyph, labels: [label] });
  if (classes.length <= colours.length) {
    const glyphs = glyphsOf(colours);
    return classes.map((_, label) => entry(label, colours[label], glyphs[label]));
  }
  const rest = classes.map((_, label) => label).filter((label) => !chosen.includes(label));
  const coloured = chosen.flatMap((label, place) => (label === null ? [] : [entry(label, colours[place], 0)]));
  const others = { name: "others", title: "all other classes", colour: GREY, glyph: 0, labels: rest, behind: true };
  return rest.length ? [...coloured, others] : coloured;
}

/**
 * The classes that are chosen at first: the most frequent ones, in their order.
 *
 * @param {ArrayLike<number>} labels of the points
 * @param {number} classes
 * @param {number} most
 * @returns {Chosen}
 */
export function firstChosen(labels, classes, most) {
  const counts = new Array(classes).fill(0);
  for (let index = 0; index < labels.length; index += 1) if (labels[index] < classes) counts[labels[index]] += 1;
  const order = counts.map((_, label) => label).sort((one, other) => counts[other] - counts[one] || one - other);
  return order.slice(0, most).sort((one, other) => one - other);
}

/**
 * The chosen classes after a class is chosen, or no longer: all others keep their colours. A class
 * beyond the number of colours takes the last one.
 *
 * @param {Chosen} chosen
 * @param {number} label
 * @returns {Chosen}
 */
export function withChoice(chosen, label) {
  const known = chosen.indexOf(label);
  const free = chosen.indexOf(null);
  const place = known >= 0 ? known : free >= 0 ? free : chosen.length - 1;
  return chosen.map((other, each) => (each === place ? (known >= 0 ? null : label) : other));
}

/**
 * The hidden labels after a click on an entry of the legend.
 * @param {Set<number>} hidden
 * @param {Entry} entry
 */
export function toggled(hidden, { labels }) {
  const next = new Set(hidden);
  const isHidden = labels.every((label) => hidden.has(label));
  for (const label of labels) {
    if (isHidden) next.delete(label);
    else next.add(label);
  }
  return next;
}

/**
 * The hidden labels after a double click on an entry: all but its own, or none where only those were
 * visible, which the first of the two clicks has hidden.
 *
 * @param {Set<number>} hidden
 * @param {Entry} entry
 * @param {number} count of labels
 */
export function isolated(hidden, { labels }, count) {
  if (hidden.size === count) return new Set(/** @type {number[]} */ ([]));
  return new Set(Array.from({ length: count }, (_, each) => each).filter((each) => !labels.includes(each)));
}
