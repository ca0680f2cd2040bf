"""The app, with a record of events in its process: lines in the file that BENCH_RECORD names.

    collected <time> <generation> <ms>     a run of Python's garbage collector
    imported <time>                        torch's import has ended

Times are seconds since the epoch, as the browser's clock has them.
"""

import gc
import os
import sys
import threading
import time

import streamlit as st

from explorer import assets


def record(line: str) -> None:
    """Append a line by a single write, so that lines of several threads do not mix."""
    file = os.open(os.environ["BENCH_RECORD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{line}\n".encode())
    os.close(file)


def watch_collector() -> None:
    """Record each run of the collector."""
    began = 0.0

    def on_collection(phase: str, info: dict[str, int]) -> None:
        nonlocal began
        if phase == "start":
            began = time.perf_counter()
            return
        took = 1e3 * (time.perf_counter() - began)
        record(f"collected {time.time():.6f} {info['generation']} {took:.3f}")

    gc.callbacks.append(on_collection)


def watch_torch() -> None:
    """Record when torch is imported."""

    def look() -> None:
        while True:
            spec = getattr(sys.modules.get("torch"), "__spec__", None)
            if spec is not None and not getattr(spec, "_initializing", False):
                record(f"imported {time.time():.6f}")
                return
            time.sleep(0.005)

    threading.Thread(target=look, daemon=True).start()


if __name__ == "__main__":
    from explorer.main import main

    main()
else:
    watch_collector()
    watch_torch()

    from starlette.middleware import Middleware

    from explorer import live
    from explorer.preload import Preload

    assets.disable_nagle()
    app = st.App(
        __file__, routes=[*assets.routes(), *live.routes()], middleware=[Middleware(Preload)]
    )
