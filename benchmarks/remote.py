"""The slider and the map's code dragged on a server 120 ms away: at least 20 pictures a second.

A round trip takes 240 ms, so with one request in flight there would be four pictures per second.
The ratio is that of the slower of the two drags to the target of 20.
"""

from __future__ import annotations

from drag import CONTROLS, pooled, turn
from playwright.sync_api import Page, WebSocket
from proxy import distant
from serving import APP, Measured, chromium, open_page, serve

DELAY_MS = 120  # in each direction
WANTED = 20.0  # pictures per second


class Connections:
    """Counts the websockets of a page that close."""

    def __init__(self) -> None:
        self.closed = 0

    def watch(self, page: Page) -> None:
        """Count from now on."""
        page.on("websocket", lambda websocket: websocket.on("close", self._close))

    def _close(self, _: WebSocket) -> None:
        self.closed += 1


def measure(quick: bool = False) -> Measured:
    """The ratio of the pictures per second to the target: at least 1."""
    turns, seconds = (1, 5) if quick else (3, 10)
    figures: dict[str, object] = {"delay_ms_each_way": DELAY_MS}
    rates = []
    with serve(APP) as (_, url), distant(url, DELAY_MS) as far, chromium() as browser:
        for control in CONTROLS:
            connections = Connections()
            page = open_page(browser, far, prepare=connections.watch)
            turn(page, control, 3)  # the window grows with the measured round trip
            found = pooled([turn(page, control, seconds) for _ in range(turns)])
            figures[f"remote_{control}_drag"] = {**found, "disconnects": connections.closed}
            rates.append(found["rate"])
            page.close()
    figures["remote_slowest"] = min(rates)
    return {"ratios": {"remote_rate": round(min(rates) / WANTED, 3)}, "figures": figures}
