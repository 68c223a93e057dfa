"""Read streams with the client, to the end."""

import asyncio
import hashlib
from contextlib import aclosing

from streamsite.streams import client
from streamsite.streams.pieces import Pieces, Record

from .waiting import PATIENCE


def sha256(*texts: str) -> str:
    """Return the SHA-256 of the joined texts, as an end record gives it."""
    return hashlib.sha256("".join(texts).encode()).hexdigest()


def text_of(records: list[Record]) -> str:
    """Return the joined texts of all pieces."""
    return "".join(
        text for record in records if isinstance(record, Pieces) for text in record.texts
    )


async def read(url: str, **options: object) -> list[Record]:
    """Return all records of a stream."""
    async with asyncio.timeout(PATIENCE), aclosing(client.open(url, **options)) as records:
        return [record async for record in records]
