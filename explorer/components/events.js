// Events between the components of a page.

/**
 * @template Detail
 * @param {string} name
 * @returns {{
 *   announce: (detail: Detail) => void,
 *   on: (listener: (detail: Detail) => void, signal: AbortSignal) => void,
 * }}
 */
function pageEvent(name) {
  const type = `latent-explorer:${name}`;
  return {
    announce: (detail) => void window.dispatchEvent(new CustomEvent(type, { detail })),
    on: (listener, signal) =>
      window.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail), { signal }),
  };
}

/** A code was decoded, by the live channel or by a run of the script. */
export const decoded = /** @type {ReturnType<typeof pageEvent<import("./types").Decoded>>} */ (pageEvent("decoded"));

/** Requests were answered, with the measured round trips. */
export const pace = /** @type {ReturnType<typeof pageEvent<import("./types").Pace>>} */ (pageEvent("pace"));

/** Other traversals are shown. */
export const strips = /** @type {ReturnType<typeof pageEvent<import("./types").Strips>>} */ (pageEvent("strips"));
