"""Resident memory of the app's process, in MB: python benchmarks/memory.py (Linux).

After start, after the first visitor's first picture, and after that visitor has looked at every
model on both pages.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from serving import ROOT, chromium, serve


def resident(pid: int) -> int:
    """VmRSS of a process, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) // 1024


def main() -> None:
    """Measure and print JSON."""
    names = sorted(path.parent.name for path in (ROOT / "assets/checkpoints").glob("*/config.json"))
    found: dict[str, int] = {}
    with serve("streamlit_app.py") as (process, url), chromium() as browser:
        found["started"] = resident(process.pid)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(url)
        page.locator(".strips").wait_for(timeout=60_000)
        found["first model"] = resident(process.pid)
        for name in names:
            for path, sign in (("", ".strips"), ("reconstruct", ".stHtml img")):
                page.goto(f"{url}/{path}?model={name}")
                page.locator(sign).first.wait_for(timeout=60_000)
                page.wait_for_timeout(2000)
        found[f"all {len(names)} models, both pages"] = resident(process.pid)
    print(json.dumps({"unit": "MB resident", **found}, indent=2))


if __name__ == "__main__":
    main()
