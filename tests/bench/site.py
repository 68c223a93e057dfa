"""This site, with producers in its process that begin when the benchmark says so.

Nothing else is added: all other requests go to the site's own application.
"""

import asyncio
import itertools
import json
import os
import time
from pathlib import Path
from urllib.parse import parse_qsl

from streamsite.asgi import application as site
from streamsite.streams.producers import start

PIECES: list[str] = json.loads(Path(os.environ["BENCH_PIECES"]).read_text())

begun = asyncio.Event()
plan: dict[str, str] = {}


async def source():
    await begun.wait()
    began, every = time.monotonic(), float(plan["every"])
    for n, piece in enumerate(itertools.islice(itertools.cycle(PIECES), int(plan["pieces"]))):
        await asyncio.sleep(began + n * every - time.monotonic())
        yield f"@{time.monotonic_ns()}@ {piece}"


async def application(scope, receive, send):
    if scope["path"] == "/bench/open":
        for n in range(int(dict(parse_qsl(scope["query_string"].decode()))["streams"])):
            await start(f"live-{n}", source())
    elif scope["path"] == "/bench/go":
        plan.update(parse_qsl(scope["query_string"].decode()))
        begun.set()
    else:
        await site(scope, receive, send)
        return
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
    )
    await send({"type": "http.response.body", "body": b""})
