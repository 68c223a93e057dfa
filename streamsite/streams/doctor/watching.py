"""The four transports, read at the same time: when does each piece come?"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from http import HTTPStatus

from .. import client
from ..pieces import Pieces
from .entrance import Entrance
from .findings import Finding, ok, percentile, problem, readable
from .probe import Probe

# Pieces of the probe that are watched, and seconds between two.
PIECES = 25
PACE = 0.2
# Seconds after which a late piece shows that something held it back. Without rings a piece comes at
# the heartbeat, within 2 s.
HELD_BACK = 3.0
# Seconds that most pieces may take when rings arrive, far below the heartbeat.
RUNG = 0.5
# Seconds that the last piece may take.
PATIENCE = 8.0


@dataclass
class Watch:
    """What came on a transport: the moments of the pieces, and why the connection failed."""

    transport: str
    came: dict[int, float] = field(default_factory=dict)
    failure: str = ""
    # The status of a refusal, or 0.
    refused: int = 0

    def delays(self, sent: Sequence[float], first: int) -> list[float]:
        """Return the delay of each piece from `first` on, in seconds. A lost piece has infinity."""
        return [
            self.came.get(number, float("inf")) - sent[number] for number in range(first, len(sent))
        ]


async def watch(entrance: Entrance, probe: Probe) -> list[Finding]:
    """Write pieces, and return what each transport made of them."""
    first = len(probe.sent)
    address = probe.url(entrance.url)
    watches = [Watch(transport) for transport in client.TRANSPORTS]
    readers = [
        asyncio.create_task(_read(entrance, address, each, first, first + PIECES))
        for each in watches
    ]
    # Readers first, so that each piece is new to all of them.
    await asyncio.sleep(PACE)
    for _ in range(PIECES):
        await probe.write()
        await asyncio.sleep(PACE)
    await asyncio.wait(readers, timeout=PATIENCE)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    found = [judge(each, each.delays(probe.sent, first)) for each in watches]
    return [*found, *judge_rings(each.delays(probe.sent, first) for each in watches)]


async def _read(entrance: Entrance, address: str, watch: Watch, after: int, until: int) -> None:
    def note_loss(error: client.ConnectionLost, _wait: float) -> None:
        watch.failure = str(error)

    headers = entrance.headers
    if watch.transport == "websocket":
        # As a page of the site: browsers send the origin of the page with a WebSocket.
        headers = {"Origin": entrance.origin, **headers}
    records = client.open(
        address,
        transport=watch.transport,
        after=after,
        headers=headers,
        tls=entrance.tls,
        patience=PATIENCE,
        on_lost=note_loss,
    )
    try:
        async with aclosing(records):
            async for record in records:
                now = time.monotonic()
                if isinstance(record, Pieces):
                    watch.came.update(dict.fromkeys(range(record.first, record.end), now))
                    if record.end >= until:
                        return
    except (client.Refused, client.ConnectionLost, client.Corrupt) as error:
        watch.failure = str(error)
        watch.refused = error.status if isinstance(error, client.Refused) else 0


def judge(watch: Watch, delays: Sequence[float]) -> Finding:
    """Return the finding about a transport, given the delays of its pieces in seconds."""
    name = watch.transport
    missing = sum(delay == float("inf") for delay in delays)
    if name == "websocket" and watch.refused == HTTPStatus.FORBIDDEN:
        return problem(name, "The site refuses the WebSockets of its own pages (403).", HOST)
    if missing == len(delays) and (watch.refused or name == "websocket"):
        return problem(name, f"Nothing comes: {watch.failure or 'no answer.'}", ADVICE[name])
    if missing:
        return problem(
            name,
            f"Something holds pieces back: {missing} of {len(delays)} did not come within "
            f"{PATIENCE:g} s. {watch.failure}".rstrip(),
            BUFFERING,
        )
    longest = max(delays)
    if longest > HELD_BACK:
        return problem(
            name,
            f"Something holds pieces back: one came {readable(longest)} after its commit.",
            BUFFERING,
        )
    return ok(
        name,
        f"{len(delays)} pieces came {readable(percentile(delays, 0.5))} (p50) and "
        f"{readable(longest)} (longest) after their commits.",
    )


ADVICE = dict.fromkeys(client.TRANSPORTS, "See the logs of the proxy and of the site.") | {
    "websocket": "Let the proxy use HTTP/1.1 and pass Upgrade on. nginx: proxy_http_version 1.1; "
    "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;",
}
HOST = (
    "Let the proxy pass on the host of the address, with its port. nginx: proxy_set_header Host "
    "$host; on port 80 or 443, and else $http_host;"
)
BUFFERING = (
    "Turn off buffering in the proxy. nginx obeys X-Accel-Buffering: no, which the engine sends, "
    "unless proxy_ignore_headers says otherwise. Turn off gzip for streams, too."
)


def judge_rings(delays: Iterable[Sequence[float]]) -> list[Finding]:
    """Return whether this process's rings reach the server, from the delays on each transport."""
    medians = [percentile(each, 0.5) for each in delays]
    quickest = min(medians)
    if quickest == float("inf"):
        return []  # Each transport's finding says so.
    if quickest <= RUNG:
        return [ok("rings", f"The server hears this process's rings in {readable(quickest)}.")]
    return [
        problem(
            "rings",
            f"The server does not hear this process's rings: pieces came {readable(quickest)} "
            "after their commits, at the heartbeat.",
            "Let all processes use the same Redis as channel layer: REDIS_URL on this site, "
            "CHANNEL_LAYERS in your own project.",
        )
    ]
