// Files published by Python: their URLs and contents.

/**
 * The absolute form of a URL that is relative to the app's root.
 *
 * The root is that of Streamlit's own script, so it includes a path prefix.
 *
 * @param {string} url
 */
export function absolute(url) {
  const script = document.querySelector('script[src*="/static/js/"]');
  const main = /** @type {HTMLScriptElement} */ (script).src;
  return main.slice(0, main.lastIndexOf("/static/js/") + 1) + url;
}

/**
 * @param {string} url relative to the app's root
 * @param {string} name what is fetched, for the error: "the points"
 * @returns {Promise<ArrayBuffer>} rejects with one sentence where the file cannot be fetched
 */
export async function fetchBytes(url, name) {
  const response = await fetch(absolute(url)).catch((error) => {
    throw new Error(`${name} did not load (${error.message})`);
  });
  if (!response.ok) throw new Error(`${name} did not load (status ${response.status})`);
  return response.arrayBuffer();
}
