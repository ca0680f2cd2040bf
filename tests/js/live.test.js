// The live channel: what it asks for, which replies it passes on, how it finds the server again.

import assert from "node:assert/strict";
import { test } from "node:test";

import { LiveChannel } from "../../explorer/components/live.js";

const STATE = { model: "vae", code: [0, 0, 0], view: ["PCA", 0, 1] };

/** What a websocket is to the channel. */
class FakeSocket {
  readyState = 0;
  sent = [];

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  open() {
    this.readyState = 1;
    this.onopen({});
  }

  close() {
    this.readyState = 3;
    this.onclose({});
  }

  reply(change = {}) {
    const { serial, by, model, z } = this.sent.at(-1);
    const reply = { serial, by, model, z, cursor: [0, 0], sample: null, ...change };
    this.onmessage({ data: JSON.stringify(reply) });
  }
}

/** A channel that is open and has a code, its sockets, and the replies that it delivered. */
function opened(t) {
  const sockets = [];
  const delivered = [];
  const connect = () => sockets[sockets.push(new FakeSocket()) - 1];
  const channel = new LiveChannel(connect, (reply) => delivered.push(reply));
  t.after(() => channel.flow.stop());
  sockets[0].open();
  channel.setState(STATE);
  return { channel, sockets, delivered, socket: sockets[0] };
}

test("sliders request the code with other values in their dimensions", (t) => {
  const { channel, socket, delivered } = opened(t);
  channel.moveDims([2, 0], [1.5, -1]);
  const { serial, ...request } = socket.sent[0];
  assert.deepEqual(request, { by: "sliders", model: "vae", view: STATE.view, z: [-1, 0, 1.5] });
  assert.equal(typeof serial, "number");
  socket.reply();
  assert.deepEqual(delivered.map((reply) => reply.z), [[-1, 0, 1.5]]);
  assert.deepEqual(STATE.code, [0, 0, 0], "the code that was passed is not changed");
});

test("the map requests a point or a test sample, and its replies become the code", (t) => {
  const { channel, socket, delivered } = opened(t);
  channel.moveTo([0.5, 0.25]);
  assert.deepEqual(socket.sent[0].xy, [0.5, 0.25]);
  assert(!("sample" in socket.sent[0]));
  socket.reply({ z: [1, 2, 3] });
  assert.deepEqual(channel.code, [1, 2, 3]);
  channel.moveTo([0.5, 0.25], 7);
  assert.equal(socket.sent[1].sample, 7);
  assert(!("xy" in socket.sent[1]));
  assert.deepEqual(socket.sent[1].z, [1, 2, 3]);
  assert.equal(delivered.length, 1);
});

test("replies to the previous control, of another model, and stale ones are dropped", (t) => {
  const { channel, socket, delivered } = opened(t);
  channel.moveTo([1, 1]);
  channel.moveDims([0], [1]); // waits for the reply
  socket.reply();
  assert.equal(delivered.length, 0, "by the map, while the sliders move the code");
  socket.reply({ model: "other" });
  assert.equal(delivered.length, 0);
  channel.moveDims([0], [2]);
  const { serial } = socket.sent.at(-1);
  socket.reply();
  socket.reply({ serial: serial - 1 });
  assert.deepEqual(delivered.map((reply) => reply.serial), [serial]);
});

test("a drag is in progress only between hold and release, and only for its model", (t) => {
  const { channel, socket } = opened(t);
  assert(!channel.isDragging("vae"));
  channel.hold();
  assert(channel.isDragging("vae"));
  assert(!channel.isDragging("other"));
  channel.release();
  assert(!channel.isDragging("vae"));
  channel.hold();
  socket.close();
  assert(!channel.isDragging("vae"), "nothing comes from a closed channel");
  channel.hold();
  assert(!channel.isDragging("vae"));
});

test("a request that is refused without its serial is not retried", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  t.mock.method(console, "warn", () => {});
  const { channel, socket, delivered } = opened(t);
  channel.moveDims([0], [1]);
  socket.onmessage({ data: JSON.stringify({ serial: null, error: "too long" }) });
  t.mock.timers.tick(60_000);
  assert.equal(socket.sent.length, 1);
  assert.equal(delivered.length, 0);
  assert.match(console.warn.mock.calls[0].arguments[0], /too long/);
});

test("a request without a reply is sent again", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const { channel, socket } = opened(t);
  channel.moveDims([0], [1]);
  t.mock.timers.tick(10_000);
  assert(socket.sent.length > 1);
  assert.deepEqual(socket.sent.at(-1).z, [1, 0, 0]);
});

test("a lost connection is retried at growing intervals without a limit", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const { channel, sockets } = opened(t);
  const delays = [];
  for (let attempt = 0; attempt < 12; attempt += 1) {
    const before = Date.now();
    sockets.at(-1).close();
    const count = sockets.length;
    while (sockets.length === count) t.mock.timers.tick(250);
    delays.push(Date.now() - before);
  }
  assert.deepEqual(delays, [250, 500, 1000, 2000, 4000, ...Array(7).fill(8000)]);
  sockets.at(-1).open();
  channel.moveDims([0], [1]);
  assert.equal(sockets.at(-1).sent.length, 1);
  assert.equal(sockets[0].sent.length, 0);
  sockets.at(-1).close();
  t.mock.timers.tick(250);
  assert.equal(sockets.length, 14, "after success it begins with the short interval again");
});

test("a server that never opens the channel is retried only a few times", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const sockets = [];
  new LiveChannel(() => sockets[sockets.push(new FakeSocket()) - 1], () => {});
  for (let attempt = 0; attempt < 20; attempt += 1) {
    if (sockets.at(-1).readyState === 0) sockets.at(-1).close();
    t.mock.timers.tick(10_000);
  }
  assert.equal(sockets.length, 6);
});
