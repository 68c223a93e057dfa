"""The response that streams the records of a stream, and its two ways to a viewer.

Django's own handler iterates over the response. `StreamHandler` has the fan-out serve the response,
where the server allows that. Both send the same bytes.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from django.http import StreamingHttpResponse

from ..instruments import traffics
from ..reading.fanout import Outlet, Reader, Viewer, pieces_in
from . import uvicorn
from .admissions import Admission, admissions
from .outlets import BodyOutlet, DoorOutlet, open_body_door
from .requests import StreamRequest

if TYPE_CHECKING:
    from .transports.encoding import Format


class RecordsResponse(StreamingHttpResponse):
    """The records that a reader asks for, in a format.

        RecordsResponse(await read_request(request, name), "sse", FORMAT, content_type=…)

    `transport` is the name under which presence counts the reader.
    """

    def __init__(
        self, wanted: StreamRequest, transport: str, body_format: "Format", *, content_type: str
    ) -> None:
        self.wanted = wanted
        self.transport = transport
        self.body_format = body_format
        super().__init__(parts(wanted, transport, body_format), content_type=content_type)


# Not a method: the response refers to the generator, and would keep itself in memory.
async def parts(
    wanted: StreamRequest, transport: str, body_format: "Format"
) -> AsyncGenerator[bytes, None]:
    """Yield the parts of the body."""
    # A server sends the head of a response with the first part, and the first piece may take long.
    # The first part may be empty.
    yield body_format.before
    async with aclosing(wanted.watched(transport)) as batches:
        traffic = traffics().of(transport)
        async for batch in batches:
            body = body_format.body(batch)
            traffic.add(pieces_in(batch), len(body))
            yield body


async def begin(response: RecordsResponse, scope: Any, send: Any) -> tuple[Reader, Outlet]:
    """Send the first part of a response's body. Return what the fan-out needs for the others."""
    body_format = response.body_format
    first = {"type": "http.response.body", "body": body_format.before, "more_body": True}
    await send(first)
    uvicorn.hold_little(send)
    door = open_body_door(scope, send)
    outlet: Outlet
    if door is None:
        outlet = BodyOutlet(body_format.framed(), send)
    else:
        outlet = DoorOutlet(body_format.framed(door.frame), door)
    return response.wanted.reader(response.transport), outlet


async def watch(
    reader: Reader, outlet: Outlet, receive: Any, admission: Admission | None = None
) -> bool:
    """Have the fan-out serve a viewer, to the end of the stream or until the client leaves.

    Return whether the viewer has everything. Raise the error with which reading or sending failed,
    if it did, and the StreamError with which the viewer lost the right to watch.
    """
    task = asyncio.current_task()
    assert task is not None
    cancelling = task.cancelling()
    viewer = Viewer(reader, outlet, task.cancel)
    if admission is not None:
        admission.on_lost = viewer.fail
        admissions().add(admission)
    try:
        viewer.pull()
        # The request has been read, so the only message that can follow is http.disconnect.
        await receive()
    except asyncio.CancelledError:
        if not viewer.finished or task.uncancel() > cancelling:
            raise
        if viewer.error is not None:
            raise viewer.error from None
        return True
    finally:
        viewer.close()
        if admission is not None:
            admissions().discard(admission)
    return False
