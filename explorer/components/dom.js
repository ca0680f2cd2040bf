// Elements in one expression, and keyboard navigation among them.

/**
 * An HTML element with properties and children.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} [properties] assigned to the element, not set as attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/**
 * An SVG element with attributes.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

/**
 * Move the focus among the buttons of a list by the arrow keys.
 *
 * @param {HTMLElement} list
 * @param {(key: string) => number | undefined} offsetOf by how many buttons a key moves the focus;
 *   undefined for other keys
 */
export function navigateByKeys(list, offsetOf) {
  list.addEventListener("keydown", (event) => {
    const place = [...list.children].findIndex((child) => child === event.target);
    const next = list.children[place + (offsetOf(event.key) ?? NaN)];
    if (!(next instanceof HTMLButtonElement)) return;
    event.preventDefault();
    next.focus();
  });
}
