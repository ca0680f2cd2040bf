"""Visitors without a browser: python benchmarks/visitors.py URL MODEL COUNT RATE SECONDS [SCRIPTS]

Each visitor speaks Streamlit's protocol on a websocket of its own, as its page would: one run of
the whole script, whose end it awaits. Then it sends RATE codes a second on the live channel. As on
the page (flow.js), a code waits while the one before is not answered, and the newest one wins; the
window is the page's narrowest, one request. A code is answered by its own picture or by that of a
newer one, and its latency is measured from the time at which it was due.

Every code is drawn at random, so that no picture comes from a cache. SCRIPTS more visitors run the
whole script once a second instead. Prints a line when all are connected, and JSON at the end. A
process of its own, for it shares the cores with the server.
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

COMPONENT = "latent_explorer_decoded_view"
PATIENCE = 1.5  # s after which a request without a reply counts as lost, as on the page
LINGER = 5.0  # s in which the last pictures may arrive
Message = ForwardMsg


class Page:
    """One visitor's connection to Streamlit."""

    def __init__(self, url: str, model: str) -> None:
        self.url, self.model = url, model
        self.decoded: dict = {}  # the data of the decoded view's component

    async def open(self) -> None:
        """Connect and run the whole script until the first picture arrives."""
        self.stream: ClientConnection = await connect(
            f"ws://{urlparse(self.url).netloc}/_stcore/stream",
            subprotocols=["streamlit"],  # pyright: ignore[reportArgumentType]
            compression=None,
            max_size=None,
            ping_interval=None,
        )
        await self.request_run()
        finished = False
        while not (finished and self.decoded):
            message = Message.FromString(await self.stream.recv(decode=False))
            component = message.delta.new_element.bidi_component
            if component.component_name == COMPONENT:
                data = json.loads(component.json)[0]
                self.decoded = data if "code" in data else {}
            finished = finished or message.WhichOneof("type") == "script_finished"

    async def request_run(self) -> None:
        """Request a run of the whole script."""
        back = BackMsg()
        back.rerun_script.query_string = f"model={self.model}"
        context = back.rerun_script.context_info
        context.timezone, context.locale, context.url = "UTC", "en-US", f"{self.url}/"
        await self.stream.send(back.SerializeToString())


class Scripts(Page):
    """A visitor who runs the whole script once a second."""

    def __init__(self, url: str, model: str) -> None:
        super().__init__(url, model)
        self.started: list[float] = []  # ms from the request to the run's first message
        self.finished: list[float] = []  # ms to its last one
        self.disconnected = False

    async def run(self, seconds: float) -> None:
        """Request runs, one after the other."""
        end = time.perf_counter() + seconds
        try:
            while (start := time.perf_counter()) < end:
                await self.request_run()
                self.started.append(await self._until("new_session", start))
                self.finished.append(await self._until("script_finished", start))
                await asyncio.sleep(max(0.0, start + 1 - time.perf_counter()))
            await self.stream.close()
        except ConnectionClosed:
            self.disconnected = True

    async def _until(self, kind: str, start: float) -> float:
        while True:
            message = Message.FromString(await self.stream.recv(decode=False))
            if message.WhichOneof("type") == kind:
                return 1e3 * (time.perf_counter() - start)


class Drag(Page):
    """A visitor who sends codes on the live channel."""

    def __init__(self, url: str, model: str) -> None:
        super().__init__(url, model)
        self.chance = random.Random()  # without a seed: no code comes a second time
        self.waiting: deque[tuple[int, float]] = deque()  # codes without a picture: serial, due
        self.latencies: list[float] = []  # ms
        self.asked = self.sent = self.pictures = 0
        self.in_flight: tuple[int, float] | None = None  # the code that was sent, when
        self.hit_rate = 0.0  # of the server's caches, as the last reply states it
        self.disconnected = False

    async def open(self) -> None:
        await super().open()
        self.fixed = {name: self.decoded[name] for name in ("model", "view")}
        self.z = self.decoded["code"]
        # the class block of a conditional model comes last and stays as it is
        self.dims = len(self.z) - 10 if 1 in self.z else len(self.z)
        self.live: ClientConnection = await connect(
            f"ws://{urlparse(self.url).netloc}/{self.decoded['live']}",
            compression=None,
            ping_interval=None,
        )

    async def ask(self, due: float) -> None:
        """Add a code, which is sent unless one is in flight."""
        self.asked += 1
        self.waiting.append((self.asked, due))
        if self.in_flight is None or time.perf_counter() - self.in_flight[1] > PATIENCE:
            await self.send()

    async def send(self) -> None:
        """Send a new random code under the newest serial."""
        self.in_flight = self.asked, time.perf_counter()
        self.sent += 1
        z = [round(self.chance.gauss(0, 1), 4) for _ in range(self.dims)] + self.z[self.dims :]
        await self.live.send(json.dumps({**self.fixed, "z": z, "serial": self.asked}))

    async def receive(self) -> None:
        """Receive the replies; after each the next code is sent."""
        async for text in self.live:
            reply = json.loads(text)
            assert reply.get("pixels"), reply
            now = time.perf_counter()
            self.pictures += 1
            self.hit_rate = reply["hit_rate"]
            while self.waiting and self.waiting[0][0] <= reply["serial"]:
                self.latencies.append(1e3 * (now - self.waiting.popleft()[1]))
            if self.in_flight and reply["serial"] >= self.in_flight[0]:
                self.in_flight = None
                if self.waiting:
                    await self.send()

    async def run(self, rate: float, seconds: float) -> None:
        """Drag for this time, or until the connection is lost."""
        tasks = [asyncio.create_task(self.receive()), asyncio.create_task(self.drain())]
        start = time.perf_counter() + self.chance.uniform(0, 1 / rate)
        try:
            for count in range(round(rate * seconds)):
                due = start + count / rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                await self.ask(due)
            patience = time.perf_counter() + LINGER
            while self.waiting and time.perf_counter() < patience:
                await asyncio.sleep(0.05)
        except ConnectionClosed:
            self.disconnected = True
        self.disconnected |= any(task.done() for task in tasks)
        for task in tasks:
            task.cancel()
        await self.live.close()
        await self.stream.close()

    async def drain(self) -> None:
        """Read and ignore what Streamlit sends."""
        async for _ in self.stream:
            pass


async def visit(
    url: str, model: str, count: int, rate: float, seconds: float, scripts: int
) -> dict[str, object]:
    """Run all visitors concurrently and return their pooled figures."""
    drags = [Drag(url, model) for _ in range(count)]
    runs = [Scripts(url, model) for _ in range(scripts)]
    for page in [*drags, *runs]:
        await page.open()
    print("all are connected", flush=True)
    busy = time.process_time()
    await asyncio.gather(
        *(page.run(rate, seconds) for page in drags), *(page.run(seconds) for page in runs)
    )
    busy = time.process_time() - busy
    latencies = [ms for page in drags for ms in page.latencies]
    asked = sum(page.asked for page in drags)
    found: dict[str, object] = {
        "disconnected": sum(page.disconnected for page in [*drags, *runs]),
        "client_cpu_share": round(busy / seconds, 2),  # of one core
    }
    if drags:
        found |= {
            **summary(latencies),
            "longest": round(max(latencies), 1),
            "asked": asked,
            "served": round(sum(page.pictures for page in drags) / asked, 3),
            "unanswered": sum(len(page.waiting) for page in drags),
            "hit_rate": max(page.hit_rate for page in drags),
        }
    if runs:
        found["script_started"] = summary([ms for page in runs for ms in page.started])
        found["script_finished"] = summary([ms for page in runs for ms in page.finished])
    return found


def main() -> None:
    """Run the visitors and print their figures as JSON."""
    two_cores()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    url, model, count, rate, seconds, *rest = sys.argv[1:]
    scripts = int(rest[0]) if rest else 0
    found = asyncio.run(
        visit(url.rstrip("/"), model, int(count), float(rate), float(seconds), scripts)
    )
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
