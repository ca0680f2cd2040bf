"""Visitors without a browser: python benchmarks/visitors.py URL COUNT RATE SECONDS

Each speaks Streamlit's protocol on a websocket of its own, as its page would: one run of the whole
script, then a hand that moves a slider RATE times a second. As on the page (flow.js), a move waits
while the one before is not answered, and the newest wins; the window is the page's narrowest, one
request. A move is answered by the reply that carries its own picture or that of a newer one, and
its time runs from the move. Prints a line when all have arrived, and JSON at the end. A process of
its own, for it shares the cores with the server: it looks into the bytes of a reply and parses
none.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import resource
import sys
import time
from collections import deque
from urllib.parse import urlparse

from serving import summary, two_cores
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

SLIDERS = "latent_explorer_latent_sliders"
# what a picture says that it shows: in a component's JSON, or as the attribute data-code
CODE = re.compile(rb'code(?:": ?|=)"([^"]+)"')
ACKNOWLEDGED = re.compile(
    rb'"ack": (\d+)'
)  # in the data of the sliders: the newest serial answered
PATIENCE = 1.5  # s after which a request without an answer counts no more, as on the page
LINGER = 5.0  # s that the last pictures are waited for
REACH, STEP = 2.9, 0.02  # a slider goes from one end to the other by such steps


class Visitor:
    """One page: what it has been told of itself, what it has sent, and what it waits for."""

    def __init__(self, number: int) -> None:
        self.chance = random.Random(number)
        self.back = BackMsg()
        self.slider = ""  # the widget's id
        self.order: list[int] = []  # the place in the code of each slider
        self.revision = 0
        self.waiting: deque[tuple[tuple[int, ...], float]] = deque()
        self.took: list[float] = []  # ms
        self.moved = self.sent = 0
        self.in_flight: tuple[int, float] | None = None  # serial, when
        self.held = False  # a move waits
        self.disconnected = False

    async def arrive(self, url: str) -> None:
        """Connect, and wait for the first picture and the end of the first run."""
        host = urlparse(url).netloc
        self.socket: ClientConnection = await connect(
            f"ws://{host}/_stcore/stream",
            subprotocols=["streamlit"],  # pyright: ignore[reportArgumentType]
            compression=None,
            max_size=None,
            ping_interval=None,
        )
        context = self.back.rerun_script.context_info
        context.timezone, context.locale, context.url = "UTC", "en-US", f"{url}/"
        await self.socket.send(self.back.SerializeToString())
        finished = False
        while not (finished and self.slider):
            content = await self.socket.recv(decode=False)
            message = ForwardMsg.FromString(content)
            self.learn(message)
            finished = finished or message.WhichOneof("type") == "script_finished"

    def learn(self, message: ForwardMsg) -> None:
        """What the page must send back: ids and hashes, and the address."""
        state = self.back.rerun_script
        if message.WhichOneof("type") == "page_info_changed":
            state.query_string = message.page_info_changed.query_string
        component = message.delta.new_element.bidi_component
        if component.component_name != SLIDERS or self.slider:
            return  # the second are the sliders that are not in use
        data = json.loads(component.json)
        data = data[0] if isinstance(data, list) else data
        self.slider, self.revision = component.id, data["revision"]
        self.order = [int(name[1:]) - 1 for name in data["names"]]
        self.values = list(data["values"])
        state.page_script_hash = message.metadata.active_script_hash
        state.fragment_id = message.delta.fragment_id
        state.widget_states.widgets.add(id=self.slider)

    async def move(self) -> None:
        """The sliders' next position."""
        at = self.values[0] + STEP * self.direction
        if abs(at) > REACH:  # back, and the other sliders elsewhere: no code comes a second time
            self.direction *= -1
            at = self.values[0] + STEP * self.direction
            others = (self.chance.uniform(-REACH, REACH) for _ in self.values[1:])
            self.values[1:] = [round(value, 2) for value in others]
        self.values[0] = round(at, 2)
        self.waiting.append((self.code(), time.perf_counter()))
        self.moved += 1
        if self.in_flight and time.perf_counter() - self.in_flight[1] < PATIENCE:
            self.held = True
        else:
            await self.ship()

    async def ship(self) -> None:
        """Send the newest position."""
        serial = int(1e3 * time.time())
        hand = {"values": self.values, "serial": serial, "revision": self.revision}
        self.back.rerun_script.widget_states.widgets[0].json_value = json.dumps({"hand": hand})
        self.in_flight, self.held = (serial, time.perf_counter()), False
        self.sent += 1
        await self.socket.send(self.back.SerializeToString())

    def code(self) -> tuple[int, ...]:
        """The code of the sliders, in hundredths."""
        code = [0] * (max(self.order) + 1)
        for place, value in zip(self.order, self.values, strict=True):
            code[place] = round(100 * value)
        return tuple(code)

    async def hear(self, content: bytes) -> None:
        """A reply: it may carry a picture that is waited for, and make room for the next move."""
        if found := CODE.search(content):
            self.see(tuple(round(100 * float(value)) for value in found[1].split(b",")))
        found = ACKNOWLEDGED.search(content)
        if found and self.in_flight and int(found[1]) >= self.in_flight[0]:
            self.in_flight = None
            if self.held:
                await self.ship()

    def see(self, code: tuple[int, ...]) -> None:
        """A picture of `code`: it answers that move and those before."""
        if all(code != awaited for awaited, _ in self.waiting):
            return
        now = time.perf_counter()
        awaited = None
        while awaited != code:
            awaited, moved = self.waiting.popleft()
            self.took.append(1e3 * (now - moved))

    async def drag(self, rate: float, seconds: float) -> None:
        """A hand on the slider for so long; a lost connection ends it."""
        listening = asyncio.create_task(self.listen())
        self.direction = self.chance.choice((-1, 1))
        self.values = [round(self.chance.uniform(-REACH, REACH), 2) for _ in self.values]
        loop = asyncio.get_running_loop()
        start = loop.time() + self.chance.uniform(0, 1 / rate)
        try:
            for count in range(round(rate * seconds)):
                await asyncio.sleep(max(0, start + count / rate - loop.time()))
                await self.move()
            patience = loop.time() + LINGER
            while self.waiting and loop.time() < patience:
                await asyncio.sleep(0.05)
        except ConnectionClosed:
            self.disconnected = True
        listening.cancel()
        await self.socket.close()

    async def listen(self) -> None:
        """Hear every reply."""
        try:
            while True:
                await self.hear(await self.socket.recv(decode=False))
        except ConnectionClosed:
            self.disconnected = True


async def visit(url: str, count: int, rate: float, seconds: float) -> dict[str, object]:
    """All of them at once; what they found together."""
    visitors = [Visitor(number) for number in range(count)]
    for each in visitors:
        await each.arrive(url)
    print("all are here", flush=True)
    busy = time.process_time()
    await asyncio.gather(*(each.drag(rate, seconds) for each in visitors))
    took = [time for each in visitors for time in each.took]
    return {
        **summary(took),
        "longest": round(max(took), 1),
        "moves": sum(each.moved for each in visitors),
        "sent": sum(each.sent for each in visitors),
        "unanswered": sum(len(each.waiting) for each in visitors),
        "disconnected": sum(each.disconnected for each in visitors),
        "client_cpu_share": round((time.process_time() - busy) / seconds, 2),  # of one core
    }


def main() -> None:
    """Visit and print."""
    two_cores()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    url, count, rate, seconds = sys.argv[1:]
    found = asyncio.run(visit(url.rstrip("/"), int(count), float(rate), float(seconds)))
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
