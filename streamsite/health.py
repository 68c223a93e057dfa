"""Health checks for a load balancer: is the process alive, and are its services available?"""

import asyncio
from typing import Any

from channels.layers import get_channel_layer
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse

from streamsite.streams import Stream, endpoint
from streamsite.streams.log.database import in_database

# Seconds that the database and the channel layer may take to answer.
TIMEOUT = 3


# A load balancer asks for the health checks without a login, and by the machine's address, hence
# `any_host`.


@login_not_required
@endpoint("GET", any_host=True)
async def alive(request: HttpRequest) -> JsonResponse:
    """Answer 200. No answer means that the process hangs or has ended."""
    return JsonResponse({"status": "ok"})


@login_not_required
@endpoint("GET", any_host=True)
async def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 if the database and the channel layer answer, or 503 if one does not.

    The JSON names both: `{"status": "unavailable", "database": "ok", "channel_layer":
    "ConnectionError"}`.
    """
    parts = {"database": _ask_database, "channel_layer": _ask_channel_layer}
    answers = await asyncio.gather(*(_state(ask()) for ask in parts.values()))
    states = dict(zip(parts, answers, strict=True))
    ready = all(state == "ok" for state in answers)
    return JsonResponse(
        {"status": "ok" if ready else "unavailable", **states},
        status=200 if ready else 503,
    )


async def _state(answer: Any) -> str:
    try:
        async with asyncio.timeout(TIMEOUT):
            await answer
    except TimeoutError:
        return f"no answer within {TIMEOUT} s"
    except Exception as error:  # noqa: BLE001 - any error means that the service doesn't work
        # Only the class of the error, because its message may name hosts and users.
        return type(error).__name__
    return "ok"


async def _ask_database() -> None:
    # A table of the engine, because database routers may keep the engine's tables in another
    # database than the default one, and because SQLite reads no file for `SELECT 1`.
    await in_database(Stream.objects.exists)


async def _ask_channel_layer() -> None:
    # The group has no members. Redis answers with the number of receivers, which is 0.
    await get_channel_layer().group_send("streams.ready", {"type": "ready"})
