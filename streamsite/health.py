"""Health checks for a load balancer: is the process alive, and can it serve?"""

import asyncio
import shutil
from pathlib import Path
from typing import Any

from channels.layers import get_channel_layer
from django.contrib.auth.decorators import login_not_required
from django.db import connections
from django.http import HttpRequest, JsonResponse

from streamsite.streams import Stream, endpoint
from streamsite.streams.http.draining import draining
from streamsite.streams.log.database import in_database
from streamsite.streams.querysets import home

# Seconds that the database and the channel layer may take to answer.
TIMEOUT = 2
# Bytes that must be free on the disk of an SQLite database. With fewer, the disk counts as full.
FREE = 1024 * 1024

# A load balancer sends its health checks without a login, and to the address of the machine. The
# endpoints therefore take `any_host`.


@login_not_required
@endpoint("GET", any_host=True)
async def alive(request: HttpRequest) -> JsonResponse:
    """Answer 200. No answer means that the process hangs or has ended."""
    return JsonResponse({"status": "ok"})


@login_not_required
@endpoint("GET", any_host=True)
async def ready(request: HttpRequest) -> JsonResponse:
    """Answer 200 if the process can serve viewers, and 503 if it can't.

    The JSON names the parts: `{"status": "degraded", "database": "ok", "channel_layer":
    "ConnectionError"}`. The `status` is "unavailable" (503) when the database doesn't answer, and
    "degraded" (200) when only the channel layer doesn't, or when the disk of an SQLite database is
    full. Without the channel layer pieces come up to 2 s late, and on a full disk nothing can be
    published, but viewers are served. The answer of a process that is about to end is
    `{"status": "draining"}` (503). The answer takes `TIMEOUT` seconds at most.
    """
    if draining.begun:
        return JsonResponse({"status": "draining"}, status=503)
    database, channel_layer = await asyncio.gather(
        _state(_ask_database()), _state(_ask_channel_layer())
    )
    if database == "ok" and _disk_is_full():
        database = "disk full"
    states = {"database": database, "channel_layer": channel_layer}
    if database not in ("ok", "disk full"):
        return JsonResponse({"status": "unavailable", **states}, status=503)
    degraded = database != "ok" or channel_layer != "ok"
    return JsonResponse({"status": "degraded" if degraded else "ok", **states})


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
    # A project of one process needs no layer.
    if layer := get_channel_layer():
        # The group has no members. Redis answers with the number of receivers, which is 0.
        await layer.group_send("streams.ready", {"type": "ready"})


def _disk_is_full() -> bool:
    """Return whether the database is an SQLite file on a full disk.

    The answer of a write would cost a commit for each health check, and would prove nothing: SQLite
    writes into pages that its log has already, although the disk is full.
    """
    database = connections[home()].settings_dict
    folder = Path(database["NAME"]).parent
    return database["ENGINE"].endswith("sqlite3") and shutil.disk_usage(folder).free < FREE
