"""Refusals by the limits of the engine, and how many there were."""

import math
from typing import Final

from .errors import TooMany
from .instruments import REFUSALS

# The limits that refuse requests, by a word for each: see demos/guide/en/production.md.
VIEWERS: Final = "viewers"  # of the process
CLIENT_VIEWERS: Final = "client-viewers"
POLLS: Final = "polls"
STREAMS: Final = "streams"  # that are live
NEW_STREAMS: Final = "new-streams"
PUBLISHES: Final = "publishes"
TOKENS: Final = "tokens"  # that are wrong
BODIES: Final = "bodies"  # that are too large


def too_many(limit: str, detail: str, *, seconds: float) -> TooMany:
    """Count a refusal by a limit, and return its error.

        raise too_many(POLLS, "This address polls too often.", seconds=0.3)

    `seconds` is the time after which the same request may succeed. The error names it in whole
    seconds: in Retry-After, and in its sentence, because a WebSocket has no such header.
    """
    REFUSALS.labels(limit).inc()
    wait = max(1, math.ceil(seconds))
    error = TooMany(f"{detail} Try again in {wait} s.")
    error.retry_after = wait
    return error
