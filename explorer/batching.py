"""Dynamic batching: items that arrive while a batch is computed form the next batch."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Gathers the items of many clients by key and computes them in worker threads.

    A client has at most one waiting item: a newer one replaces it. Items of different keys never
    share a batch. The keys are served in turn, so that a key is delayed by at most one batch of
    each other key. All methods must be called in the event loop.

    Parameters
    ----------
    compute
        Called in a worker thread with the key and its items; returns one result per item. It must
        not raise.
    deliver
        Called in the event loop with a client and the result of its item.
    threads
        Number of batches that are computed at the same time.
    largest
        Maximum number of items in a batch.
    """

    def __init__(
        self,
        compute: Callable[[Hashable, Sequence[Item]], Sequence[Result]],
        deliver: Callable[[Hashable, Result], None],
        *,
        threads: int = 1,
        largest: int = 16,
    ) -> None:
        self._compute, self._deliver = compute, deliver
        self._idle, self._largest = threads, largest
        self._workers: Executor = ThreadPoolExecutor(threads, thread_name_prefix="batch")
        self._waiting: OrderedDict[Hashable, dict[Hashable, Item]] = OrderedDict()
        self._keys: dict[Hashable, Hashable] = {}  # of each client's waiting item
        self._running: set[asyncio.Task[None]] = set()  # asyncio keeps only weak references

    def submit(self, client: Hashable, key: Hashable, item: Item) -> None:
        """Queue `item` for the next batch of `key`, replacing the client's waiting item."""
        if self._keys.get(client, key) != key:
            self.discard(client)
        self._keys[client] = key
        self._waiting.setdefault(key, {})[client] = item
        self._start()

    def discard(self, client: Hashable) -> None:
        """Remove the client's waiting item, if any."""
        if client not in self._keys:
            return
        key = self._keys.pop(client)
        del self._waiting[key][client]
        if not self._waiting[key]:
            del self._waiting[key]

    def _start(self) -> None:
        while self._idle and self._waiting:
            self._idle -= 1
            task = asyncio.ensure_future(self._run(*self._take()))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    def _take(self) -> tuple[Hashable, dict[Hashable, Item]]:
        """The next batch; items beyond its size stay queued, with their key at the end."""
        key, waiting = self._waiting.popitem(last=False)
        clients = list(waiting)[: self._largest]
        batch = {client: waiting.pop(client) for client in clients}
        for client in clients:
            del self._keys[client]
        if waiting:
            self._waiting[key] = waiting
        return key, batch

    async def _run(self, key: Hashable, batch: dict[Hashable, Item]) -> None:
        loop = asyncio.get_running_loop()
        try:
            items = list(batch.values())
            results = await loop.run_in_executor(self._workers, self._compute, key, items)
        finally:
            self._idle += 1
            self._start()
        for client, result in zip(batch, results, strict=True):
            self._deliver(client, result)
