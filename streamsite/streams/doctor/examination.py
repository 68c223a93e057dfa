"""All checks, in their order. The ones that take long run at the same time."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from django.db import DatabaseError

from ..log.database import in_database
from .findings import PROBLEM, Finding, problem
from .inside import check_commits, check_inside
from .layer import check_layer
from .probe import Probe, probe


async def examine(
    url: str | None, *, headers: Mapping[str, str], idle: float, insecure: bool
) -> AsyncIterator[Finding]:
    """Yield what the checks find, from inside and, with a URL, through this address.

    `headers` go with each request. `idle` is how many seconds a silent connection is watched. With
    `insecure` a certificate that nobody trusts is worth a warning, and no problem.
    """
    found = await in_database(check_inside)
    for finding in found:
        yield finding
    if any(each.check in ("database", "migrations") and each.level == PROBLEM for each in found):
        return  # Nothing can be published.
    yield await check_layer()
    try:
        async with probe() as busy, probe() as silent:
            yield await check_commits(busy)
            if url is None:
                return
            async for finding in _from_outside(url, headers, idle, insecure, busy, silent):
                yield finding
    except DatabaseError as error:
        yield problem(
            "database", f"The database failed in the middle ({error}).", "See the database's log."
        )


async def _from_outside(
    url: str, headers: Mapping[str, str], seconds: float, insecure: bool, busy: Probe, silent: Probe
) -> AsyncIterator[Finding]:
    # Imported here because only the extra "client" installs what these modules import.
    from .entrance import Entrance
    from .headers import check_headers
    from .idling import idle
    from .script import check_script
    from .watching import watch

    entrance = Entrance(url, headers, insecure=insecure)
    await entrance.connect()
    if not entrance.closed:
        await entrance.find_stream(busy.url(entrance.url))
    for finding in entrance.findings:
        yield finding
    if entrance.closed:
        return
    yield await check_script(entrance)
    waiting = asyncio.create_task(idle(entrance, silent, seconds))
    try:
        for finding in await watch(entrance, busy):
            yield finding
        # A proxy that buffers sends the head of a response only with the body, or at its end.
        await busy.end()
        for finding in await check_headers(entrance, busy):
            yield finding
        for finding in await waiting:
            yield finding
    finally:
        waiting.cancel()
