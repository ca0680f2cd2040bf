// The map is drawn after the first decoded picture of a page.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { firstPicturePainted, firstPictureShown } from "../../explorer/components/first_picture.js";
import { setShared } from "../../explorer/components/shared.js";

const turn = () => new Promise((done) => setImmediate(done));

beforeEach(() => {
  setShared("FirstPicture", undefined); // as on a new page
  mock.timers.reset();
  mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.requestAnimationFrame = (paint) => setTimeout(paint, 16);
});

/** Whether the map may be drawn. */
function waiting() {
  const state = { ready: false };
  firstPicturePainted().then(() => (state.ready = true));
  return state;
}

/** Let time pass, and what it resolves run. */
async function pass(milliseconds) {
  await turn();
  for (let left = milliseconds; left > 0; left -= 10) {
    mock.timers.tick(10);
    await turn();
  }
}

test("the map waits for the first picture and its frame", async () => {
  const map = waiting();
  await pass(1000);
  assert.equal(map.ready, false);
  firstPictureShown();
  await pass(10);
  assert.equal(map.ready, false, "the picture is not painted yet");
  await pass(50);
  assert.equal(map.ready, true);
});

test("a map that comes after the picture waits for a frame only", async () => {
  firstPictureShown();
  const map = waiting();
  await pass(50);
  assert.equal(map.ready, true);
});

test("without a picture the map is drawn after four seconds", async () => {
  const map = waiting();
  await pass(3900);
  assert.equal(map.ready, false);
  await pass(200);
  assert.equal(map.ready, true);
});
