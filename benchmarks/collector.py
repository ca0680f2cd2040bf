"""Python's garbage collector during a drag: the longest run and the number of runs.

By default Streamlit runs a full collection after every run of the script. With torch imported it
takes 0.1 s and more, during which nothing is sent. The app switches this off and freezes the
objects that live as long as the process (explorer/session.py).
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from drag import CONTROLS, turn
from serving import Measured, chromium, open_page, serve


def measure(quick: bool = False) -> Measured:
    """The longest run in ms, during a drag of the slider and one of the map's code."""
    seconds = 3 if quick else 10
    runs: list[tuple[int, float]] = []
    pictures = 0
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "record"
        watched = serve("benchmarks/watched.py", BENCH_RECORD=str(file))
        with watched as (_, url), chromium() as browser:
            page = open_page(browser, url)
            for control in CONTROLS:
                turn(page, control, 2)  # warm-up
                start = time.time()
                found = turn(page, control, seconds)
                end = start + found.ms / 1e3
                runs += [run for when, *run in collections(file) if start <= when <= end]
                pictures += found.pictures
    took = [ms for _, ms in runs]
    return {
        "ratios": {},
        "figures": {
            "gc_ms_longest": round(max(took, default=0.0), 2),
            "gc_runs_full": sum(generation == 2 for generation, _ in runs),
            "gc_ms_a_picture": round(sum(took) / max(pictures, 1), 3),
        },
    }


def collections(file: Path) -> list[tuple[float, int, float]]:
    """When each run of the collector was, its generation and its ms."""
    lines = [line.split() for line in file.read_text().splitlines()]
    return [
        (float(when), int(rest[0]), float(rest[1]))
        for kind, when, *rest in lines
        if kind == "collected"
    ]
