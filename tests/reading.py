"""Reading with the client to the end, as the tests of the client do."""

import asyncio
import hashlib
from contextlib import aclosing

from streamsite.streams import client
from streamsite.streams.pieces import Pieces, Record

from .waiting import PATIENCE


def sha256(*texts: str) -> str:
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def text_of(records: list[Record]) -> str:
    return "".join(
        text for record in records if isinstance(record, Pieces) for text in record.texts
    )


async def read(url: str, **options: object) -> list[Record]:
    async with asyncio.timeout(PATIENCE), aclosing(client.open(url, **options)) as records:
        return [record async for record in records]
