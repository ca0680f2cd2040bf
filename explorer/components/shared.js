// The global variables of the page.
//
// Where the host serves no routes, each component is a script with its own copy of every module, so
// state that the components of a page share cannot be a module's variable.
//
// FirstPicture  whether a decoded picture was shown
// Live          the LiveChannel
// Map           MapChoices: the visitor's choices on the map
// Plotly        a promise of plotly.min.js
// Strips        the Traversals that are shown
// Unsent        slider values that could not be sent before their page was left

const PREFIX = "latentExplorer";
const globals = /** @type {Record<string, any>} */ (globalThis);

/** @param {string} name */
export const getShared = (name) => globals[PREFIX + name];

/** @param {string} name @param {unknown} value */
export const setShared = (name, value) => void (globals[PREFIX + name] = value);

/**
 * The global of this name, made by the first call.
 *
 * @template T
 * @param {string} name
 * @param {() => T} make
 * @returns {T}
 */
export const sharedOnce = (name, make) => (globals[PREFIX + name] ??= make());
