"""The four endpoints of the article as a FastAPI service, with a loop and a sleep for each viewer.

The streams are plain `StreamingResponse`s. `EventSourceResponse` of FastAPI encodes and queues each
event, and takes more CPU time.
"""

import asyncio
import itertools
import json
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from fastapi import FastAPI, HTTPException, WebSocket, WebSocketDisconnect
from fastapi.responses import StreamingResponse

from ..provider import answer

PIECES: list[str] = json.loads(Path(os.environ["BENCH_PIECES"]).read_text())
LONG = int(os.environ["BENCH_LONG"])
PACE = 0.1

app = FastAPI()


# The article's endpoints.


@app.get("/polling")
async def polling(cnt: int = 1):
    if not 0 <= cnt < len(PIECES):
        raise HTTPException(status_code=400, detail="Invalid index")
    return {"message": PIECES[cnt]}


async def paced():
    for piece in PIECES:
        yield piece
        await asyncio.sleep(PACE)


async def as_events(pieces):
    async for piece in pieces:
        data = piece.replace("\n", "\ndata: ")
        yield f"data: {data}\n\n"


@app.get("/chunked")
async def chunked():
    return StreamingResponse(paced(), media_type="text/plain")


@app.get("/events")
async def events():
    return StreamingResponse(as_events(paced()), media_type="text/event-stream")


@app.websocket("/ws")
async def ws(websocket: WebSocket):
    await websocket.accept()
    try:
        async for piece in paced():
            await websocket.send_text(piece)
        await websocket.close()
    except WebSocketDisconnect:
        pass


# An answer of a model. When the connection is lost, the answer is lost.


async def ui_message_stream(question: Any):
    yield 'data: {"type":"start"}\n\n'
    yield 'data: {"type":"text-start","id":"t"}\n\n'
    async for text in answer(question):
        part = json.dumps({"type": "text-delta", "id": "t", "delta": text})
        yield f"data: {part}\n\n"
    yield "data: [DONE]\n\n"


@app.post("/chat/api")
async def chat(question: dict[str, Any]):
    return StreamingResponse(ui_message_stream(question), media_type="text/event-stream")


# A finished stream, for a viewer who joins late.


async def at_once():
    for piece in itertools.islice(itertools.cycle(PIECES), LONG):
        yield piece


@app.get("/late/chunked")
async def late_chunked():
    return StreamingResponse(at_once(), media_type="text/plain")


@app.get("/late/events")
async def late_events():
    return StreamingResponse(as_events(at_once()), media_type="text/event-stream")


@app.websocket("/late/ws")
async def late_ws(websocket: WebSocket):
    await websocket.accept()
    try:
        async for piece in at_once():
            await websocket.send_text(piece)
        await websocket.close()
    except WebSocketDisconnect:
        pass


# Live streams: each viewer has a queue, and a producer puts each piece into all queues.

viewers: dict[str, set[asyncio.Queue[str | None]]] = defaultdict(set)
producers: set[asyncio.Task[None]] = set()


async def produce(name: str, pieces: int, every: float):
    began = time.monotonic()
    for n in range(pieces):
        await asyncio.sleep(began + n * every - time.monotonic())
        piece = f"@{time.monotonic_ns()}@ {PIECES[n % len(PIECES)]}"
        for queue in viewers[name]:
            queue.put_nowait(piece)
    for queue in viewers[name]:
        queue.put_nowait(None)


@app.get("/bench/go")
async def go(name: str, streams: int, pieces: int, every: float):
    for n in range(streams):
        task = asyncio.create_task(produce(name.format(n), pieces, every))
        producers.add(task)
        task.add_done_callback(producers.discard)


async def live(name: str):
    queue: asyncio.Queue[str | None] = asyncio.Queue()
    viewers[name].add(queue)
    try:
        while (piece := await queue.get()) is not None:
            yield piece
    finally:
        viewers[name].discard(queue)


@app.get("/{name}/chunked")
async def live_chunked(name: str):
    return StreamingResponse(live(name), media_type="text/plain")


@app.get("/{name}/events")
async def live_events(name: str):
    return StreamingResponse(as_events(live(name)), media_type="text/event-stream")


@app.websocket("/{name}/ws")
async def live_ws(websocket: WebSocket, name: str):
    await websocket.accept()
    try:
        async for piece in live(name):
            await websocket.send_text(piece)
        await websocket.close()
    except WebSocketDisconnect:
        pass
