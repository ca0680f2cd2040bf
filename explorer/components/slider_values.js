// The values of sliders and number boxes: parsing, limits, steps. No DOM.

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const MAX_QUOTE = 12; // characters of an invalid text in the message

/**
 * The number in a text with a decimal point or comma; NaN for anything else. (`Number` alone would
 * read "0x10", and "" as 0.)
 * @param {string} text
 */
export function parseNumber(text) {
  const plain = text.trim().replace(",", ".").replace("\u2212", "-");
  return NUMBER.test(plain) ? Number(plain) : NaN;
}

/**
 * Why a text is refused as a value; "" where it is accepted.
 * @param {string} text
 * @param {number} farthest the largest absolute value
 */
export function refusal(text, farthest) {
  const typed = text.trim();
  if (!typed) return "a number is needed";
  const value = parseNumber(typed);
  if (Math.abs(value) <= farthest) return "";
  const quoted = typed.length > MAX_QUOTE ? `${typed.slice(0, MAX_QUOTE)}\u2026` : typed;
  if (Number.isNaN(value)) return `\u201c${quoted}\u201d is not a number`;
  return `\u201c${quoted}\u201d is beyond ${farthest.toLocaleString("en")}`;
}

/** The number of decimals of a step. @param {number} step */
export const decimalsOf = (step) => Math.max(0, Math.ceil(-Math.log10(step)));

/**
 * The position of a value within a range, 0 to 1; that of the nearer end if it is outside.
 * @param {number} value
 * @param {{ low: number, high: number }} range
 */
export const fractionOf = (value, { low, high }) => Math.min(1, Math.max(0, (value - low) / (high - low)));

/**
 * The value after an arrow key in a number box: ten steps of the slider, with shift a hundred.
 * @param {number} value
 * @param {{ direction: number, shift: boolean, step: number, farthest: number }} key
 */
export function steppedValue(value, { direction, shift, step, farthest }) {
  const moved = value + direction * step * (shift ? 100 : 10);
  return Math.round(Math.min(farthest, Math.max(-farthest, moved)) * 1e4) / 1e4;
}
