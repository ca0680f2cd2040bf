// Flow control: what is sent, what waits, what is dropped, how the window follows the connection.

import assert from "node:assert/strict";
import { test } from "node:test";

import { makeFlow } from "../../explorer/components/flow.js";

/** A flow whose clock stands still, and what it has sent. */
function recorded() {
  const sent = [];
  const flow = makeFlow((value, serial) => sent.push({ value, serial }), { now: () => 1000, patience: 1e6 });
  return { flow, sent };
}

test("requests in flight are bounded, and of the waiting values the newest is sent", () => {
  const { flow, sent } = recorded();
  assert(flow.settled);
  for (let value = 0; value < 100; value += 1) flow.push(value);
  assert(!flow.settled);
  assert.deepEqual(sent.map((each) => each.value), [0]);
  flow.acknowledge(sent[0].serial);
  assert.deepEqual(sent.map((each) => each.value), [0, 99]);
  flow.acknowledge(sent[1].serial);
  assert(flow.settled);
  assert(sent[1].serial > sent[0].serial);
});

test("a flow that is stopped has nothing in flight and sends nothing more", () => {
  const { flow, sent } = recorded();
  flow.push("first");
  flow.push("second");
  flow.stop();
  assert(flow.settled);
  flow.acknowledge(sent[0].serial);
  assert.equal(sent.length, 1);
});

test("a stale reply is distinguished from a newer one", () => {
  const { flow, sent } = recorded();
  flow.push("first");
  flow.push("second");
  const { serial } = sent[0];
  assert.equal(flow.acknowledge(serial - 1), true, "of a page before this one");
  assert.equal(sent.length, 1, "which ends no request");
  assert.equal(flow.acknowledge(serial), true);
  assert.equal(flow.acknowledge(serial - 1), false);
  assert.equal(flow.acknowledge(undefined), false);
  assert.equal(flow.acknowledge(null), false);
  flow.stop();
});

/**
 * A server that takes `way` ms in each direction and `service` ms of work for a request, one after
 * the other, and a pointer that moves at every frame.
 * @param {...{ until: number, way: number, service: number }} turns
 */
function simulate(...turns) {
  let now = 0;
  let free = 0;
  let turn = turns[0];
  const replies = [];
  const flow = makeFlow((_, serial) => {
    free = Math.max(now + turn.way, free) + turn.service;
    replies.push({ time: free + turn.way, serial, sent: now });
  }, { now: () => now, patience: 1e9 });
  const results = turns.map((each) => {
    turn = each;
    const half = now + (turn.until - now) / 2; // the first half is for settling in
    const waits = [];
    for (; now < turn.until; now += 1) {
      if (now % 17 === 0) flow.push(now);
      while (replies.length && replies[0].time <= now) {
        const { serial, sent } = replies.shift();
        flow.acknowledge(serial);
        if (now > half) waits.push(now - sent);
      }
    }
    waits.sort((a, b) => a - b);
    return {
      rate: (1000 * waits.length) / (turn.until - half),
      window: flow.pace.window,
      wait: waits[Math.floor(0.95 * waits.length)],
    };
  });
  flow.stop();
  return results;
}

test("with a fast and near server the window stays at one request", () => {
  const [near] = simulate({ until: 4000, way: 1, service: 6 });
  assert.equal(near.window, 1);
  assert(near.rate > 55, String(near.rate));
});

test("with a distant server the window grows to fill the round trip", () => {
  const [far] = simulate({ until: 8000, way: 120, service: 6 });
  assert(far.rate > 45, "one at a time would be four per second");
  assert(far.window >= 12);
  assert(far.wait < 280, "little more than the round trip itself");
});

test("with a slow server no queue builds up", () => {
  const [slow] = simulate({ until: 8000, way: 1, service: 40 });
  assert(slow.rate > 20);
  assert(slow.window <= 3);
  assert(slow.wait < 160);
});

test("the window shrinks when the server becomes busy", () => {
  const [quick, busy] = simulate({ until: 6000, way: 60, service: 4 }, { until: 14000, way: 60, service: 60 });
  assert(quick.window >= 5);
  assert(busy.window < quick.window);
  assert(busy.rate > 12);
});

test("the last value is sent again at growing intervals until it is answered", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const sent = [];
  const flow = makeFlow((value, serial) => sent.push({ value, serial, time: Date.now() }), { patience: 40 });
  flow.push("before");
  flow.push("while nothing answers");
  for (let time = 0; time < 700; time += 10) t.mock.timers.tick(10); // the mocked clock is constant within a tick
  assert.deepEqual([...new Set(sent.map((each) => each.value))], ["before", "while nothing answers"]);
  const gaps = sent.slice(1).map((each, place) => each.time - sent[place].time);
  assert.deepEqual(gaps, [40, 40, 80, 160, 320]);
  const count = sent.length;
  flow.acknowledge(sent.at(-1).serial);
  t.mock.timers.tick(2000);
  assert(flow.settled);
  assert.equal(sent.length, count);
});
