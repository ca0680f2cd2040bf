"""Visitors without a browser: python benchmarks/visitors.py URL COUNT RATE SECONDS

Each speaks Streamlit's protocol on a websocket of its own, as its page would: one run of the whole
script, whose end it awaits, and then, on the live channel, a hand that moves a slider RATE times a
second. As on the page (flow.js), a move waits while the one before is not answered, and the newest
wins; the window is the page's narrowest, one request. A move is answered by its own picture or that
of a newer one, and its time runs from the move. Prints a line when all have arrived, and JSON at
the end. A process of its own, for it shares the cores with the server.
"""

from __future__ import annotations

import asyncio
import json
import random
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

STAGE = "latent_explorer_decoded_view"
PATIENCE = 1.5  # s after which a request without an answer counts no more, as on the page
LINGER = 5.0  # s that the last pictures are waited for
REACH, STEP = 2.9, 0.02  # a slider goes from one end to the other by such steps


class Visitor:
    """One page: what it has been told of itself, what it has sent, and what it waits for."""

    def __init__(self, number: int) -> None:
        self.chance = random.Random(number)
        self.stage: dict[str, object] = {}  # what the script has said of the picture
        self.waiting: deque[tuple[int, float]] = deque()  # moves without a picture: number, when
        self.took: list[float] = []  # ms
        self.moved = self.sent = 0
        self.in_flight: tuple[int, float] | None = None  # the move that was sent, when
        self.disconnected = False

    async def arrive(self, url: str) -> None:
        """Connect, wait for the first picture and the end of its run, and open the channel."""
        host = urlparse(url).netloc
        self.stream: ClientConnection = await connect(
            f"ws://{host}/_stcore/stream",
            subprotocols=["streamlit"],  # pyright: ignore[reportArgumentType]
            compression=None,
            max_size=None,
            ping_interval=None,
        )
        back = BackMsg()
        context = back.rerun_script.context_info
        context.timezone, context.locale, context.url = "UTC", "en-US", f"{url}/"
        await self.stream.send(back.SerializeToString())
        finished = False
        while not (finished and self.stage):
            message = ForwardMsg.FromString(await self.stream.recv(decode=False))
            component = message.delta.new_element.bidi_component
            if component.component_name == STAGE:
                self.stage = json.loads(component.json)[0]
            finished = finished or message.WhichOneof("type") == "script_finished"
        self.z = list(self.stage["code"])
        self.live: ClientConnection = await connect(
            f"ws://{host}/{self.stage['live']}", compression=None, ping_interval=None
        )

    async def move(self) -> None:
        """The slider's next position."""
        at = self.z[0] + STEP * self.direction
        if abs(at) > REACH:  # back, and the others elsewhere: no code comes a second time
            self.direction *= -1
            at = self.z[0] + STEP * self.direction
            others = (self.chance.uniform(-REACH, REACH) for _ in self.z[1:])
            self.z[1:] = [round(value, 2) for value in others]
        self.z[0] = round(at, 2)
        self.moved += 1
        self.waiting.append((self.moved, time.perf_counter()))
        if self.in_flight is None or time.perf_counter() - self.in_flight[1] > PATIENCE:
            await self.ship()

    async def ship(self) -> None:
        """Send the newest position."""
        self.in_flight = self.moved, time.perf_counter()
        self.sent += 1
        request = {name: self.stage[name] for name in ("model", "view")}
        await self.live.send(json.dumps({**request, "z": self.z, "serial": self.moved}))

    async def hear(self) -> None:
        """Every reply: a picture that is waited for, and room for the next move."""
        async for text in self.live:
            reply = json.loads(text)
            assert reply["pixels"], reply
            now = time.perf_counter()
            while self.waiting and self.waiting[0][0] <= reply["serial"]:
                self.took.append(1e3 * (now - self.waiting.popleft()[1]))
            if self.in_flight and reply["serial"] >= self.in_flight[0]:
                self.in_flight = None
                if self.waiting:
                    await self.ship()

    async def drag(self, rate: float, seconds: float) -> None:
        """A hand on the slider for so long; a lost connection ends it."""
        hearing = [asyncio.create_task(self.hear()), asyncio.create_task(self.drain())]
        self.direction = self.chance.choice((-1, 1))
        self.z = [round(self.chance.uniform(-REACH, REACH), 2) for _ in self.z]
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
        self.disconnected |= any(each.done() for each in hearing)
        for each in hearing:
            each.cancel()
        await self.live.close()
        await self.stream.close()

    async def drain(self) -> None:
        """Take what the script still says."""
        async for _ in self.stream:
            pass


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
