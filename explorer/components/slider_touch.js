// A touch on a range input: to move the thumb, or to scroll the page.
//
// The browser moves the thumb to a finger at once. So the value is kept back until the finger has
// moved sideways or was lifted where it came down; the browser cancels a pointer that scrolls.

const SIDEWAYS = 6; // px after which a finger moves the thumb

/**
 * @param {HTMLInputElement} range
 * @param {{ value: () => number, draw: () => void, change: (value: number) => void }} slider the value
 *   it has, how it is drawn again, how it is changed
 */
export function listenToRange(range, { value, draw, change }) {
  /** @type {{ clientX: number, value: number } | null} */
  let finger = null; // where it came down, and the value it points at
  range.addEventListener("pointerdown", ({ pointerType, clientX }) => {
    finger = pointerType === "touch" ? { clientX, value: value() } : null;
  });
  range.addEventListener("pointermove", ({ clientX }) => {
    if (finger && Math.abs(clientX - finger.clientX) > SIDEWAYS) finger = null;
  });
  range.addEventListener("pointercancel", () => (finger = null));
  range.addEventListener("pointerup", () => {
    const target = finger?.value ?? value();
    finger = null;
    if (target !== value()) change(target);
  });
  range.addEventListener("input", () => {
    if (!finger) return change(Number(range.value));
    finger.value = Number(range.value);
    draw();
  });
}
