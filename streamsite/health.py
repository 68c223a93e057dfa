"""What a load balancer asks: is the process alive, and can it work?"""

import asyncio
from typing import Any

from channels.layers import get_channel_layer
from django.db import connection
from django.http import HttpRequest, JsonResponse

from streamsite.streams.log.database import in_database

# Addresses for probes, which come from inside and ask for no name.
PROBES = ("/healthz", "/readyz")
# Seconds that a part may take to answer.
TIMEOUT = 3


async def alive(request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as the process answers at all."""
    return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


async def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database and the channel layer answer, 503 when one doesn't."""
    parts = {"database": _ask_database, "channel_layer": _ask_channel_layer}
    answers = await asyncio.gather(*(_state(ask()) for ask in parts.values()))
    states = dict(zip(parts, answers, strict=True))
    ready = all(state == "ok" for state in answers)
    return JsonResponse(
        {"status": "ok" if ready else "unavailable", **states},
        status=200 if ready else 503,
        headers={"Cache-Control": "no-store"},
    )


async def _state(answer: Any) -> str:
    try:
        async with asyncio.timeout(TIMEOUT):
            await answer
    except TimeoutError:
        return f"no answer within {TIMEOUT} s"
    except Exception as error:  # noqa: BLE001 - whatever it is, this part doesn't work
        # The kind alone: the message may name hosts and users.
        return type(error).__name__
    return "ok"


async def _ask_database() -> None:
    def select() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    await in_database(select)


async def _ask_channel_layer() -> None:
    # A group nobody is in: Redis says to how many it went, none, which is an answer.
    await get_channel_layer().group_send("streams.ready", {"type": "ready"})
