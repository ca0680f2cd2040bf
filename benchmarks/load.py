"""Many visitors drag at the same time, on two cores that they share with the server.

Every code is new, so that each picture is decoded. visitors.py simulates the visitors.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from serving import APP, Measured, resident, serve

VISITORS = Path(__file__).with_name("visitors.py")


@dataclass(frozen=True)
class Scenario:
    """Visitors of one model, and the target for them."""

    model: str
    visitors: int
    rate: float  # codes per second and visitor
    wanted_ms: float | None = None  # 95th percentile of the latency
    wanted_served: float | None = None  # pictures as a share of the requested codes
    scripts: int = 0  # additional visitors, who run the whole script once per second

    @property
    def name(self) -> str:
        parts = [self.model, f"{self.visitors}x{self.rate:g}"]
        return "_".join(parts + ([f"{self.scripts}_scripts"] if self.scripts else []))


SCENARIOS = (
    Scenario("vae-2d", 32, 10, wanted_ms=60),
    Scenario("vae-20d", 32, 10, wanted_ms=60),
    Scenario("cvae", 32, 10, wanted_ms=90),
    Scenario("cvae", 8, 60, wanted_served=0.9),
    Scenario("cvae", 64, 10),
    Scenario("cvae", 0, 10, scripts=2),  # how long a script takes without the others
    Scenario("cvae", 32, 10, scripts=2),
)
SECONDS, QUICK_SECONDS = 30.0, 3.0
LONG, LONG_SECONDS = SCENARIOS[2], 120.0  # memory is read during this one


def run(scenario: Scenario, url: str, pid: int, seconds: float) -> dict[str, object]:
    """The figures of a scenario, and the server's memory in MB during it."""
    command = [sys.executable, str(VISITORS), url, scenario.model, str(scenario.visitors)]
    command += [str(scenario.rate), str(seconds), str(scenario.scripts)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()  # all are connected
    start, memory = time.monotonic(), {}  # MB by the second
    while process.poll() is None:
        memory[time.monotonic() - start] = resident(pid)
        time.sleep(1)
    output = process.stdout.read()
    if process.returncode:
        raise RuntimeError(f"the visitors ended with {process.returncode}: {output}")
    dragging = [size for when, size in memory.items() if when <= seconds]
    later = [size for when, size in memory.items() if min(60, seconds / 2) <= when <= seconds]
    return json.loads(output) | {
        "visitors": scenario.visitors,
        "rate_each": scenario.rate,
        "seconds": seconds,
        "memory_mb_at_start": dragging[0],
        "memory_mb_after_1_minute": later[0],
        "memory_mb_at_end": dragging[-1],
        "memory_mb_most": max(memory.values()),
    }


def measure(quick: bool = False) -> Measured:
    """The ratios of the 95th percentiles to their targets (below 1), and of the served shares of
    the requests to theirs (1 and above)."""
    found: dict[str, dict] = {}
    ratios: dict[str, float] = {}
    with serve(APP, two_cores_only=True) as (server, url):
        for scenario in SCENARIOS:
            seconds = LONG_SECONDS if scenario is LONG else SECONDS
            figures = run(scenario, url, server.pid, QUICK_SECONDS if quick else seconds)
            found[scenario.name] = figures
            if scenario.wanted_ms:
                ratios[f"load_{scenario.name}_p95"] = round(figures["p95"] / scenario.wanted_ms, 3)
            if scenario.wanted_served:
                served = figures["served"] / scenario.wanted_served
                ratios[f"load_{scenario.name}_served"] = round(served, 3)
    ratios["load_p95"] = ratios[f"load_{LONG.name}_p95"]
    return {"ratios": ratios, "figures": {"load": found[LONG.name], "load_scenarios": found}}
