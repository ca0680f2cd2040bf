"""Dynamic batching: which items share a batch, which replace others, and the order of the keys."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any

import pytest

from explorer.batching import Batcher
from tests import event_loop


class Recorder:
    """A computation that records its batches and blocks until a test releases it."""

    def __init__(self) -> None:
        self.batches: list[tuple[Hashable, list[Any]]] = []
        self.delivered: list[tuple[Hashable, Any]] = []
        self.release = threading.Event()
        self.active = self.most_active = 0
        self._lock = threading.Lock()

    def compute(self, key: Hashable, items: Sequence[Any]) -> list[Any]:
        with self._lock:
            self.batches.append((key, list(items)))
            self.active += 1
            self.most_active = max(self.active, self.most_active)
        assert self.release.wait(60)
        with self._lock:
            self.active -= 1
        return [f"{key} {item}" for item in items]

    def deliver(self, client: Hashable, result: Any) -> None:
        self.delivered.append((client, result))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.001)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


Scenario = Callable[[Batcher[Any, Any]], Awaitable[None]]


def run(recorder: Recorder, scenario: Scenario, **settings: int) -> None:
    async def main() -> None:
        await scenario(Batcher(recorder.compute, recorder.deliver, **settings))

    event_loop.run(main())


def test_items_that_arrive_during_a_batch_form_the_next_one(recorder: Recorder) -> None:
    async def scenario(batcher: Batcher[Any, Any]) -> None:
        batcher.submit("first", "key", 0)
        await recorder.until(lambda: len(recorder.batches) == 1)
        for client in range(5):
            batcher.submit(client, "key", client)
        recorder.release.set()
        await recorder.until(lambda: len(recorder.delivered) == 6)

    run(recorder, scenario)
    assert recorder.batches == [("key", [0]), ("key", [0, 1, 2, 3, 4])]
    assert recorder.delivered == [("first", "key 0"), *((n, f"key {n}") for n in range(5))]


def test_a_client_s_newer_item_replaces_the_one_that_waits(recorder: Recorder) -> None:
    async def scenario(batcher: Batcher[Any, Any]) -> None:
        batcher.submit("other", "key", 0)
        await recorder.until(lambda: len(recorder.batches) == 1)
        batcher.submit("one", "key", 1)
        batcher.submit("two", "key", 2)
        batcher.submit("one", "key", 3)
        batcher.submit("two", "another key", 4)
        recorder.release.set()
        await recorder.until(lambda: len(recorder.delivered) == 3)

    run(recorder, scenario)
    assert recorder.batches == [("key", [0]), ("key", [3]), ("another key", [4])]


def test_a_key_is_delayed_by_one_batch_of_another_key(recorder: Recorder) -> None:
    async def scenario(batcher: Batcher[Any, Any]) -> None:
        batcher.submit("first", "busy", -1)
        await recorder.until(lambda: len(recorder.batches) == 1)
        for client in range(10):
            batcher.submit(client, "busy", client)
        batcher.submit("late", "quiet", 0)
        recorder.release.set()
        await recorder.until(lambda: len(recorder.delivered) == 12)

    run(recorder, scenario, largest=4)
    sizes = [(key, len(items)) for key, items in recorder.batches]
    assert sizes == [("busy", 1), ("busy", 4), ("quiet", 1), ("busy", 4), ("busy", 2)]
    assert len({client for client, _ in recorder.delivered}) == 12


def test_the_item_of_a_client_who_left_is_not_computed(recorder: Recorder) -> None:
    async def scenario(batcher: Batcher[Any, Any]) -> None:
        batcher.submit("first", "key", 0)
        await recorder.until(lambda: len(recorder.batches) == 1)
        batcher.submit("leaves", "key", 1)
        batcher.submit("stays", "other", 2)
        batcher.discard("leaves")
        batcher.discard("never came")
        recorder.release.set()
        await recorder.until(lambda: len(recorder.delivered) == 2)
        assert not batcher._waiting
        assert not batcher._keys

    run(recorder, scenario)
    assert recorder.batches == [("key", [0]), ("other", [2])]


@pytest.mark.parametrize("threads", [1, 2])
def test_no_more_batches_run_at_once_than_there_are_threads(
    recorder: Recorder, threads: int
) -> None:
    async def scenario(batcher: Batcher[Any, Any]) -> None:
        for key in range(6):
            batcher.submit(key, key, key)
        await recorder.until(lambda: recorder.active == threads)
        recorder.release.set()
        await recorder.until(lambda: len(recorder.delivered) == 6)

    run(recorder, scenario, threads=threads)
    assert recorder.most_active == threads


def test_the_loop_goes_on_during_a_batch(recorder: Recorder) -> None:
    """The batch ends only after the loop has continued; otherwise the test would not end."""

    async def scenario(batcher: Batcher[Any, Any]) -> None:
        batcher.submit("client", "key", 0)
        await recorder.until(lambda: recorder.active == 1)
        asyncio.get_running_loop().call_later(0.001, recorder.release.set)
        await recorder.until(lambda: len(recorder.delivered) == 1)

    run(recorder, scenario)
