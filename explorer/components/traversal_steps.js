// The values of a traversal's tiles and the position of the mark of the current code. No DOM.

/**
 * The value of a latent dimension at a step of its traversal, rounded as Python rounds codes.
 * @param {{ low: number, high: number, steps: number }} traversal
 * @param {number} step from 0
 */
export function stepValue({ low, high, steps }, step) {
  return Math.round((low + (step * (high - low)) / (steps - 1)) * 1e4) / 1e4;
}

/**
 * The position of a value's mark on its strip. Tiles are centred on their values, so the strip
 * extends half a tile beyond either end; a value beyond that is marked at the end.
 *
 * @param {{ low: number, high: number, steps: number }} traversal
 * @param {number} value
 * @returns {{ fraction: number, nearest: number }} of the strip's width; the step of the nearest tile
 */
export function markOf({ low, high, steps }, value) {
  const at = ((value - low) / (high - low)) * (steps - 1);
  return {
    fraction: Math.min(steps, Math.max(0, at + 0.5)) / steps,
    nearest: Math.min(steps - 1, Math.max(0, Math.round(at))),
  };
}
