"""Pings of WebSockets on Daphne."""

from contextlib import ExitStack

from streamsite.daphne.server import CHECKED_AT_ONCE

from .raw import websocket
from .site import SERVERS, SiteMaker


def test_every_websocket_is_pinged(make_site: SiteMaker, monkeypatch):
    monkeypatch.setitem(SERVERS, "daphne", SERVERS["daphne"] + " --ping-interval 1")
    site = make_site().start()
    with ExitStack() as stack:
        viewers = [
            stack.enter_context(websocket.connect(site.address, "/stream/ws"))
            for _ in range(2 * CHECKED_AT_ONCE + 1)
        ]
        for viewer in viewers:
            while viewer.read().opcode != websocket.PING:
                pass
