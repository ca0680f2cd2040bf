"""A local proxy that simulates network latency: python benchmarks/proxy.py PORT DELAY_MS

Listens on a port of its own, which it prints, and forwards all data to and from PORT of this
machine, delayed by DELAY_MS in each direction. It limits no throughput and keeps the order.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 1 << 16


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    """Forward all data `delay` seconds after their arrival, until the end of the stream."""
    loop = asyncio.get_running_loop()
    due: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()  # unbounded: it delays no sender

    async def receive() -> None:
        chunk = b"-"
        while chunk:
            try:
                chunk = await reader.read(CHUNK)
            except OSError:
                chunk = b""
            due.put_nowait((loop.time() + delay, chunk))

    receiving = asyncio.create_task(receive())
    with suppress(OSError):
        while True:
            when, chunk = await due.get()
            await asyncio.sleep(max(0.0, when - loop.time()))
            if not chunk:
                break
            writer.write(chunk)
            await writer.drain()
    receiving.cancel()
    writer.close()


def set_nodelay(writer: asyncio.StreamWriter) -> None:
    """Set TCP_NODELAY: Nagle's algorithm would add a delay of its own."""
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def serve(target: int, delay: float) -> None:
    """Accept connections until cancelled."""
    # asyncio keeps only weak references to tasks
    pumps: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", target)
        set_nodelay(writer)
        set_nodelay(server_writer)
        for source, sink in ((reader, server_writer), (server_reader, writer)):
            task = asyncio.create_task(pump(source, sink, delay))
            pumps.add(task)
            task.add_done_callback(pumps.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def distant(url: str, delay_ms: float) -> Iterator[str]:
    """The URL under which `url` is `delay_ms` away in each direction, by a process of its own."""
    port = url.rstrip("/").rpartition(":")[2]
    command = [sys.executable, __file__, port, str(delay_ms)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2]) / 1e3))
