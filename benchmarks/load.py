"""32 visitors who drag at once, 10 moves a second each, on two cores that they share with the
server: 95th percentile below 250 ms, nobody disconnected, memory flat over five minutes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

from serving import APP, Measured, resident, serve

VISITORS, RATE = 32, 10  # visitors; moves a second of each
MINUTES, QUICK_MINUTES = 5.0, 0.25
WANTED_MS = 250.0


def measure(quick: bool = False) -> Measured:
    """The 95th percentile from a move to its picture's arrival, as a share of 250 ms."""
    seconds = 60 * (QUICK_MINUTES if quick else MINUTES)
    visitors = Path(__file__).with_name("visitors.py")
    memory: dict[float, int] = {}  # MB by the second
    with serve(APP, few_cores=True) as (server, url):
        command = [sys.executable, str(visitors), url, str(VISITORS), str(RATE), str(seconds)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        process.stdout.readline()  # all have arrived
        start = time.monotonic()
        while process.poll() is None:
            memory[time.monotonic() - start] = resident(server.pid)
            time.sleep(1)
        said = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"the visitors ended with {process.returncode}: {said}")
    found = json.loads(said)
    dragging = {when: size for when, size in memory.items() if when <= seconds}
    first_minute = [size for when, size in dragging.items() if when >= min(60, seconds / 2)]
    found |= {
        "visitors": VISITORS,
        "rate_each": RATE,
        "minutes": seconds / 60,
        "memory_mb_at_start": next(iter(memory.values())),
        "memory_mb_after_1_minute": first_minute[0],
        "memory_mb_at_end": first_minute[-1],
        "memory_mb_most": max(memory.values()),
    }
    return {
        "ratios": {"load_p95": round(found["p95"] / WANTED_MS, 3)},
        "figures": {"load": found},
    }
