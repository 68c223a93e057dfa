"""Connections on which nothing is said: does something cut them, and after how long?"""

import asyncio
import time
from contextlib import aclosing

from ..client.backoff import Backoff
from ..client.connections import CONNECTIONS, Subscription, http_client
from ..client.failures import ConnectionLost, Refused
from .entrance import Entrance
from .findings import Finding, ok, problem
from .probe import Probe

CHECK = "silence"
# Seconds between two signs of life of the engine. Only a shorter limit cuts a stream.
SIGNS_OF_LIFE = 15


async def idle(entrance: Entrance, probe: Probe, seconds: float) -> list[Finding]:
    """Follow a silent stream on each transport, and return which connections were cut."""
    address = probe.url(entrance.url)
    ages = await asyncio.gather(
        *(_age(entrance, address, transport, len(probe.sent), seconds) for transport in CONNECTIONS)
    )
    cut = {name: age for name, age in zip(CONNECTIONS, ages, strict=True) if age is not None}
    if cut:
        which = ", ".join(f"{name} after {age:.0f} s" for name, age in cut.items())
        return [
            problem(
                CHECK,
                f"Something cuts silent connections: {which}.",
                f"Set the time-out of the proxy above {SIGNS_OF_LIFE} s, the longest silence of a "
                "stream. nginx: proxy_read_timeout 60s;",
            )
        ]
    if seconds <= SIGNS_OF_LIFE:
        unknown = f" Limits up to {SIGNS_OF_LIFE} s would matter, too: --idle 20."
    else:
        unknown = (
            f" A stream says something each {SIGNS_OF_LIFE} s, so longer silences do not occur. A "
            "limit on the whole life of a connection was not waited for: --idle 600."
        )
    return [ok(CHECK, f"No silent connection was cut within {seconds:g} s.{unknown}")]


async def _age(
    entrance: Entrance, address: str, transport: str, after: int, seconds: float
) -> float | None:
    """Return after how many seconds a connection was cut, or None if it lasted.

    A connection that was refused at once says nothing about silence: `watching` reports it.
    """
    began = time.monotonic()
    opened = False
    async with http_client(entrance.headers, entrance.tls) as http:
        subscription = Subscription(
            http, address, str(after), entrance.headers, Backoff(), entrance.tls
        )
        try:
            async with (
                asyncio.timeout(seconds),
                aclosing(CONNECTIONS[transport](subscription)) as batches,
            ):
                async for _batch in batches:
                    opened = True
        except TimeoutError:
            return None
        except (ConnectionLost, Refused):
            pass
    return time.monotonic() - began if opened else None
