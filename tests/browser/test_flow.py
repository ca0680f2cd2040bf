"""Flow control: what is sent, what waits, what is dropped, how the window follows the connection.

The script runs in a real browser with a clock and a server of the test's own.
"""

from typing import Any

import pytest
from playwright.sync_api import Page

from explorer.components.registration import FOLDER

MADE = "const makeFlow = new Function(`${script}; return makeFlow;`)();"

STEADY = f"""(script) => {{
  {MADE}
  const sent = [];
  const flow = makeFlow((value, serial) => sent.push({{ value, serial }}), {{ now: () => 1000 }});
  const settled = [flow.settled];
  for (let value = 0; value < 100; value += 1) flow.push(value);
  settled.push(flow.settled);
  const burst = sent.map((each) => each.value);
  const early = flow.acknowledge(sent[0].serial - 1);  // makes no room
  const made = sent.length;
  const first = flow.acknowledge(sent[0].serial);
  const answered = sent.map((each) => each.value);
  const stale = flow.acknowledge(sent[0].serial - 1);
  const nothing = [flow.acknowledge(undefined), flow.acknowledge(null)];
  flow.acknowledge(sent.at(-1).serial);
  settled.push(flow.settled);
  const serials = sent.map((each) => each.serial);
  flow.push("last");
  flow.stop();
  return {{ settled, burst, early, made, first, answered, stale, nothing, serials,
    stopped: flow.settled }};
}}"""

# A server with a way of `way` ms in each direction and `service` ms of work a request, answered in
# turn; a hand that moves at every frame. `turns` are [until ms, way, service].
SIMULATION = f"""([script, turns]) => {{
  {MADE}
  let now = 0;
  let free = 0;
  const replies = [];
  let turn = turns[0];
  const flow = makeFlow((value, serial) => {{
    const begun = Math.max(now + turn[1], free);
    free = begun + turn[2];
    replies.push([free + turn[1], serial, now]);
  }}, {{ now: () => now, patience: 1e9 }});
  const found = [];
  for (const each of turns) {{
    turn = each;
    const half = now + (turn[0] - now) / 2;  // the first half is for settling in
    let count = 0;
    const waits = [];
    for (; now < turn[0]; now += 1) {{
      if (now % 17 === 0) flow.push(now);
      while (replies.length && replies[0][0] <= now) {{
        const [, serial, sent] = replies.shift();
        flow.acknowledge(serial);
        if (now > half) waits.push(now - sent), count += 1;
      }}
    }}
    waits.sort((a, b) => a - b);
    found.push({{ rate: 1000 * count / (turn[0] - half), window: flow.pace.window,
      wait: waits[Math.floor(0.95 * waits.length)] }});
  }}
  return found;
}}"""

# Nobody answers for a while, by a clock of the test's own: a busy machine's timers come late.
LOST = """(script) => {
  let clock = 0;
  let alarm = null;
  const later = (call, delay) => (alarm = { call, time: clock + delay });
  const never = () => (alarm = null);
  const makeFlow =
    new Function("setTimeout", "clearTimeout", `${script}; return makeFlow;`)(later, never);
  const wait = (time) => {
    const end = clock + time;
    while (alarm && alarm.time <= end) {
      const { call } = alarm;
      [clock, alarm] = [alarm.time, null];
      call();
    }
    clock = end;
  };
  const sent = [];
  const flow = makeFlow((value, serial) => sent.push({ value, serial, time: clock }), {
    patience: 40, now: () => clock });
  flow.push("before");
  flow.push("while nothing answers");
  wait(700);
  const unanswered = sent.map((each) => each.value);
  flow.acknowledge(sent.at(-1).serial);
  const count = sent.length;
  wait(2000);
  return { unanswered, settled: flow.settled, more: sent.length - count,
    gaps: sent.slice(1).map((each, place) => each.time - sent[place].time) };
}"""


@pytest.fixture
def script() -> str:
    return (FOLDER / "flow.js").read_text(encoding="utf-8")


def simulate(page: Page, script: str, *turns: tuple[float, float, float]) -> list[dict[str, Any]]:
    """What came of each turn (until ms, way ms, service ms)."""
    return page.evaluate(SIMULATION, [script, turns])


def test_what_is_in_flight_is_bounded_and_the_newest_wins(page: Page, script: str) -> None:
    found = page.evaluate(STEADY, script)
    assert found["burst"] == [0]
    assert found["made"] == 1
    assert found["answered"] == [0, 99]
    assert found["settled"] == [True, False, True]
    assert found["serials"] == sorted(set(found["serials"]))
    assert found["stopped"]


def test_a_stale_reply_is_told_from_a_fresh_one(page: Page, script: str) -> None:
    found = page.evaluate(STEADY, script)
    assert found["early"] is True
    assert found["first"] is True
    assert found["stale"] is False
    assert found["nothing"] == [False, False]


def test_near_a_quick_server_one_request_is_enough(page: Page, script: str) -> None:
    (near,) = simulate(page, script, (4000, 1, 6))
    assert near["window"] == 1
    assert near["rate"] > 55


def test_far_from_it_as_many_are_on_their_way_as_the_way_holds(page: Page, script: str) -> None:
    (far,) = simulate(page, script, (8000, 120, 6))
    assert far["rate"] > 45, "one at a time would be four a second"
    assert far["window"] >= 12
    assert far["wait"] < 280, "hardly more than the way itself"


def test_a_slow_server_is_not_made_slower(page: Page, script: str) -> None:
    (slow,) = simulate(page, script, (8000, 1, 40))
    assert slow["rate"] > 20
    assert slow["window"] <= 3
    assert slow["wait"] < 160


def test_the_window_shrinks_when_the_server_becomes_busy(page: Page, script: str) -> None:
    quick, busy = simulate(page, script, (6000, 60, 4), (14000, 60, 60))
    assert quick["window"] >= 5
    assert busy["window"] < quick["window"]
    assert busy["rate"] > 12


def test_the_last_value_is_sent_again_until_it_is_answered(page: Page, script: str) -> None:
    found = page.evaluate(LOST, script)
    assert found["unanswered"][0] == "before"
    assert set(found["unanswered"][1:]) == {"while nothing answers"}
    assert found["gaps"] == [40, 40, 80, 160, 320], "more and more seldom"
    assert found["settled"]
    assert found["more"] == 0
