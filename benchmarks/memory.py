"""Resident memory of the app's process, in MB: python benchmarks/memory.py (Linux).

After the start, after the first picture of the first visitor, and after that visitor has opened
every page with every model.
"""

from __future__ import annotations

import json

from serving import APP, ROOT, VIEW, Measured, chromium, resident, serve


def measure() -> Measured:
    """The process's memory after each step."""
    configs = sorted((ROOT / "assets" / "checkpoints").glob("*/config.json"))
    offered = {path.parent.name: json.loads(path.read_text())["abilities"] for path in configs}
    models = {name: able for name, able in offered.items() if "decodes" in able}
    found: dict[str, float] = {}
    with serve(APP) as (process, url), chromium() as browser:
        found["started"] = resident(process.pid)
        page = browser.new_page(viewport=VIEW)
        page.goto(url)
        page.locator(".strips").first.wait_for(timeout=60_000)
        found["first model"] = resident(process.pid)
        for name, abilities in models.items():
            pages = {"": ".strips", "reconstruct": ".stHtml img"}
            if "conditions" in abilities:
                pages["generate"] = ".stHtml img"
            for path, sign in pages.items():
                page.goto(f"{url}/{path}?model={name}")
                page.locator(sign).first.wait_for(timeout=60_000)
                page.wait_for_timeout(2000)
        found[f"all {len(models)} models, every page"] = resident(process.pid)
    return {"ratios": {}, "figures": {"memory_mb": found}}


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
