// The globals of the page, all of them.
//
// Where the host serves no routes, each component is a script of its own with its own copy of every
// module, so what the components of a page share cannot be a variable of a module.
//
// FirstPicture  whether a decoded picture was shown
// Live          the LiveChannel
// Map           MapChoices: what the visitor chose on the map
// Plotly        a promise of plotly.min.js
// Strips        the Traversals that are shown
// Unsent        the SliderInput that could not be sent before its page was left

const PREFIX = "latentExplorer";
const globals = /** @type {Record<string, any>} */ (globalThis);

/** @param {string} name */
export const getShared = (name) => globals[PREFIX + name];

/** @param {string} name @param {unknown} value */
export const setShared = (name, value) => void (globals[PREFIX + name] = value);

/**
 * The global of this name, made by the first who asks.
 *
 * @template T
 * @param {string} name
 * @param {() => T} make
 * @returns {T}
 */
export const sharedOnce = (name, make) => (globals[PREFIX + name] ??= make());
