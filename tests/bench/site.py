"""This site, with producers in its process that start on a request of the benchmark.

All requests outside /bench/ go to the site's own application.
"""

import asyncio
import itertools
import json
import os
import time
from pathlib import Path
from urllib.parse import parse_qsl

from streamsite.asgi import application as site
from streamsite.streams.writing.sources import start

PIECES: list[str] = json.loads(Path(os.environ["BENCH_PIECES"]).read_text())

# The futures on which producers wait to begin, by the pattern of their streams' names.
begins: dict[str, asyncio.Future[dict[str, str]]] = {}


async def source(plan: asyncio.Future[dict[str, str]]):
    given = await asyncio.shield(plan)
    began, every = time.monotonic(), float(given["every"])
    for n, piece in enumerate(itertools.islice(itertools.cycle(PIECES), int(given["pieces"]))):
        await asyncio.sleep(began + n * every - time.monotonic())
        yield f"@{time.monotonic_ns()}@ {piece}"


async def application(scope, receive, send):
    if not scope["path"].startswith("/bench/"):
        await site(scope, receive, send)
        return
    query = dict(parse_qsl(scope["query_string"].decode()))
    if scope["path"] == "/bench/open":
        plan = begins[query["name"]] = asyncio.get_running_loop().create_future()
        for n in range(int(query["streams"])):
            await start(query["name"].format(n), source(plan))
    elif scope["path"] == "/bench/go":
        begins[query["name"]].set_result(query)
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
    )
    await send({"type": "http.response.body", "body": b""})
