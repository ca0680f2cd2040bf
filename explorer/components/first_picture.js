// Running Plotly's script and drawing its figure keeps the browser busy for 0.3 to 0.7 s, in which
// nothing is painted. So the map is drawn after the first decoded picture of the page.

import { sharedOnce } from "./shared.js";

const LONGEST = 4000; // ms after which the map is drawn without a picture

function makeSignal() {
  let resolve = () => {};
  const shown = new Promise((done) => (resolve = () => done(undefined)));
  return { shown, resolve };
}

const signal = () => sharedOnce("FirstPicture", makeSignal);

/** The page shows a decoded picture. */
export const firstPictureShown = () => signal().resolve();

/** Resolves once the page has painted a decoded picture, or after 4 s. @returns {Promise<void>} */
export async function firstPicturePainted() {
  await Promise.race([signal().shown, new Promise((done) => setTimeout(done, LONGEST))]);
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
}
