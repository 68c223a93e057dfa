"""The bodies of requests: how much of them is read, and when.

A server passes on a body as it comes. A body is refused with 413 as soon as it is too large: by its
Content-Length before anything is read, or by what has come. What has come is held in memory up to
FILE_UPLOAD_MAX_MEMORY_SIZE, and in a temporary file beyond that.
"""

from collections.abc import Callable
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from ..conf import setting
from ..errors import TooLarge
from ..instruments import REFUSALS
from ..refusals import BODIES
from .outlets import ClientLeft


def usual_limit() -> int:
    """Return how many bytes a body may have unless an endpoint reads its body itself."""
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE or setting("STREAM_MAX_BODY"))


def too_large(most: int) -> TooLarge:
    """Count a refused body, and return its error."""
    REFUSALS.labels(BODIES).inc()
    return TooLarge(f"The body is too large. Send at most {most} bytes.")


def declared_length(scope: Any) -> int:
    """Return the Content-Length of a request, or 0 without one."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def check_length(scope: Any, most: int) -> None:
    """Raise TooLarge if a request says that its body has more than `most` bytes."""
    if declared_length(scope) > most:
        raise too_large(most)


async def read_body(request: Any, receive: Any, most: int) -> Any:
    """Return the body of a request as a file.

    Raises TooLarge if the body has more than `most` bytes, and ClientLeft if the client leaves
    before the body is complete.
    """
    check_length(request.scope, most)
    message = await receive()
    if not message.get("more_body"):
        return BytesIO(_part_of(message, most, most))
    file = SpooledTemporaryFile(  # noqa: SIM115 - `close_file` closes the file
        settings.FILE_UPLOAD_MAX_MEMORY_SIZE, dir=settings.FILE_UPLOAD_TEMP_DIR
    )
    try:
        await _copy(message, receive, file.write, most)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    return file


def close_file(request: Any) -> None:
    """Remove the temporary file of a request, if its body was large enough for one."""
    if isinstance(request._stream, SpooledTemporaryFile):
        request._stream.close()


async def read_late(request: HttpRequest) -> bytes:
    """Return the body of a request at an endpoint with `late_body`.

        @endpoint("POST", late_body=True)
        async def upload(request, name):
            await check_quota(request)  # your own: refuses before the body is read
            data = await read_late(request)

    The body may have STREAM_MAX_BODY bytes. The body of a request of Django's test client has come
    already.

    Raises TooLarge if the body has more bytes, and ClientLeft, which ends the view, if the client
    leaves before the body is complete.
    """
    receive, most = getattr(request, "receive", None), setting("STREAM_MAX_BODY")
    if receive is None:
        return bytes(request.read())
    # A body of 8 MiB has a hundred parts. A bytearray grows in place.
    body = bytearray()
    await _copy(await receive(), receive, body.extend, most)
    return bytes(body)


async def _copy(message: Any, receive: Any, write: Callable[[bytes], Any], most: int) -> None:
    """Write the parts of a body, of which `message` has the first."""
    left = most
    while True:
        part = _part_of(message, left, most)
        left -= len(part)
        write(part)
        if not message.get("more_body"):
            return
        message = await receive()


def _part_of(message: Any, left: int, most: int) -> bytes:
    if message["type"] == "http.disconnect":
        raise ClientLeft
    part: bytes = message.get("body", b"")
    if len(part) > left:
        raise too_large(most)
    return part
