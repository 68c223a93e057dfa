"""The URLconf of a site that takes its time to find out who sends a large body."""

import asyncio
from typing import Any

from streamsite.bodies import BodiesOfPages
from streamsite.urls import *  # noqa: F403


async def most_from(_pages: BodiesOfPages, _scope: Any, usual: int) -> int:
    await asyncio.sleep(1)
    return usual


BodiesOfPages.most_from = most_from  # type: ignore[method-assign]
