// The sequential scale of the map: its colours, the values at its ends, the ticks of its legend.
//
// The colours lie on a helix in OKLab (Ottosson 2020): lightness and hue change evenly and the chroma
// stays, so that equal steps of the value are equal steps to the eye. Lightness alone orders them, as
// colour-blind readers need. Each theme has an interval of lightness of its own, in which every colour
// has a contrast of 3 to 1 to the background, and the hues and the chroma that sRGB has there.

export const LEVELS = 256;
// from blue-violet by red to orange or yellow; degrees, beyond 360
const LIGHT = { lightness: [0.31, 0.66], hues: [285, 416], chroma: 0.15 };
const DARK = { lightness: [0.53, 0.92], hues: [285, 447], chroma: 0.125 };
const OUTSIDE = 0.01; // share of the values beyond either end of the scale

/** @typedef {[number, number, number]} RGB each 0 to 255 */

/** @param {number} linear 0 to 1 */
const encoded = (linear) => {
  const value = Math.min(1, Math.max(0, linear));
  return Math.round(255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055));
};

/**
 * A colour of OKLab in sRGB.
 * @param {number} lightness
 * @param {number} a
 * @param {number} b
 * @returns {RGB}
 */
function fromOKLab(lightness, a, b) {
  const long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    encoded(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
    encoded(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
    encoded(-0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short),
  ];
}

/**
 * The colours of the scale, the lowest value's first.
 * @param {boolean} dark whether the background is dark
 * @returns {RGB[]}
 */
export function scaleColours(dark) {
  const { lightness: [low, high], hues, chroma } = dark ? DARK : LIGHT;
  return Array.from({ length: LEVELS }, (_, level) => {
    const share = level / (LEVELS - 1);
    const hue = ((hues[0] + share * (hues[1] - hues[0])) * Math.PI) / 180;
    return fromOKLab(low + share * (high - low), chroma * Math.cos(hue), chroma * Math.sin(hue));
  });
}

/**
 * The values at the ends of the scale: the 1st and the 99th percentile, so that one extreme value
 * does not leave one colour for all others. Null where no value is known.
 *
 * @param {Float32Array} values NaN where unknown
 * @returns {[number, number] | null}
 */
export function scaleEnds(values) {
  const known = values.filter(Number.isFinite).sort();
  if (!known.length) return null;
  const at = (/** @type {number} */ share) => known[Math.round(share * (known.length - 1))];
  const [low, high] = [at(OUTSIDE), at(1 - OUTSIDE)];
  return low < high ? [low, high] : [low - 0.5, low + 0.5];
}

/**
 * The level of a value on the scale, 0 to LEVELS - 1; values beyond the ends have those of the ends.
 * @param {number} value
 * @param {[number, number]} ends
 */
export const levelOf = (value, [low, high]) =>
  Math.round((LEVELS - 1) * Math.min(1, Math.max(0, (value - low) / (high - low))));

/**
 * Round values within the ends, for a legend: multiples of 1, 2 or 5 times a power of ten.
 *
 * @param {[number, number]} ends
 * @param {number} [most] how many at the most
 * @returns {{ value: number, text: string, share: number }[]} share of the way from low to high
 */
export function scaleTicks([low, high], most = 4) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const within = (/** @type {number} */ step) => Math.floor(high / step + 1e-9) - Math.ceil(low / step - 1e-9) + 1;
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => within(each) <= most) ?? 20 * power;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.max(0, within(step)) }, (_, place) => {
    const value = Number(((first + place) * step).toPrecision(12));
    return { value, text: valueText(value, step), share: (value - low) / (high - low) };
  });
}

/**
 * A value with the decimals that steps of this size need.
 * @param {number} value
 * @param {number} step
 */
export function valueText(value, step) {
  const decimals = Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  const text = value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return text.replace("-", "\u2212");
}
