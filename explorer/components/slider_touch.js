// A touch on a range input either moves the thumb or scrolls the page.
//
// The browser moves the thumb to a finger immediately. The change is therefore delayed until the
// finger has moved sideways or is lifted; the browser cancels a pointer that scrolls.

const SIDEWAYS = 6; // px after which a finger moves the thumb

/**
 * @param {HTMLInputElement} range
 * @param {{ value: () => number, draw: () => void, change: (value: number) => void }} slider its
 *   value; draws it again; changes it
 */
export function listenToRange(range, { value, draw, change }) {
  /** @type {{ clientX: number, value: number } | null} */
  let finger = null; // the position of the touch and the value there
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
