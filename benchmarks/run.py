"""All benchmarks, into benchmarks/results.json: python benchmarks/run.py [names] [--quick]

Each module named here has a `measure` that returns {"ratios": ..., "figures": ...}: ratios of two
measurements of one run, which are comparable between machines, and the absolute figures, which are
not. With names, only the figures of these benchmarks are replaced. The figures of --quick are
printed and not saved, unless --out names a file for them.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import platform
import re
import signal
import subprocess
import sys
import time
import traceback
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).with_name("results.json")
NAMES = (  # each a file beside this one
    *("drag", "remote", "press", "start", "load", "collector", "memory"),
    *("encoding", "training", "gpu"),
)


def machine() -> dict[str, str | int]:
    """The machine that the figures were measured on."""
    name = platform.processor() or platform.machine()
    cpu, memory = Path("/proc/cpuinfo"), 0
    if cpu.exists():
        model = re.search(r"model name\s*:\s*(.+)", cpu.read_text())
        name = model.group(1) if model else name
    if "SC_PHYS_PAGES" in os.sysconf_names:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": name,
        "cores": os.cpu_count() or 0,
        "memory_gb": round(memory / 2**30),
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that matter for speed."""
    packages = ("streamlit", "torch", "plotly", "numpy", "playwright")
    found = {"python": platform.python_version()} | {name: version(name) for name in packages}
    chromium = os.environ.get("CHROMIUM", "chromium")
    try:
        output = subprocess.run([chromium, "--version"], capture_output=True, text=True, check=True)
        numbers = re.search(r"[\d.]+", output.stdout)
        found["chromium"] = numbers.group() if numbers else output.stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        found["chromium"] = "unknown"
    return found


def measured(name: str, quick: bool) -> dict[str, Any]:
    """The result of the benchmark `name`; --quick is passed to benchmarks with that parameter."""
    measure = import_module(name).measure
    takes_quick = "quick" in inspect.signature(measure).parameters
    return measure(quick=quick) if takes_quick else measure()


def main() -> None:
    """Run the benchmarks and write the results after each, so that an interrupted run keeps its
    part."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}; all")
    parser.add_argument("--quick", action="store_true", help="short turns, to check that it works")
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    unknown = [name for name in chosen.names if name not in NAMES]
    if unknown:
        parser.error(f"no benchmark is named {unknown[0]}: there are {', '.join(NAMES)}")
    out: Path | None = chosen.out or (None if chosen.quick else RESULTS)
    results = json.loads(out.read_text()) if out and out.exists() else {}
    sys.path.insert(0, str(ROOT))  # explorer and vae
    # a stop from outside ends the servers too: they are closed on the way out
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    failed = []
    for name in chosen.names or NAMES:
        start = time.monotonic()
        print(f"== {name}", file=sys.stderr, flush=True)
        try:
            found = measured(name, chosen.quick)
        except Exception:  # the others are measured all the same
            traceback.print_exc()
            failed.append(name)
            continue
        took = round(time.monotonic() - start)
        results |= {"machine": machine(), "versions": versions()}
        results.setdefault("ratios", {}).update(found["ratios"])
        results.setdefault("figures", {}).update(found["figures"])
        results.setdefault("runs", {})[name] = {
            "date": datetime.now(UTC).date().isoformat(),
            "seconds": took,
            "quick": chosen.quick,
        }
        if out:
            out.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
        print(json.dumps(found, indent=2), flush=True)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
