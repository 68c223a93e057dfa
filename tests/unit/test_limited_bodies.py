"""Bodies of requests to Django's pages: refused before they are read."""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client

from streamsite.bodies import BodiesOfPages
from streamsite.streams.testing_plugin import streams  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("streams")]

KIB = 1024
Messages = list[dict[str, Any]]


class Pages:
    """An application that reads bodies as Django does, and counts the bytes."""

    def __init__(self) -> None:
        self.asked = False
        self.received = 0
        self.left = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked = True
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left = True
                return
            self.received += len(message["body"])
            if not message["more_body"]:
                await send({"type": "http.response.start", "status": 200, "headers": []})
                return


@pytest.fixture
def pages(settings) -> Pages:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * KIB
    settings.ALLOWED_HOSTS = ["localhost"]
    return Pages()


@async_to_sync
async def post(pages: Pages, size: int, *, declared: bool, cookie: str = "") -> Messages:
    """Post a body in parts of 1 KiB, with a Content-Length or in chunks."""
    headers = [(b"host", b"localhost"), (b"cookie", cookie.encode())]
    if declared:
        headers.append((b"content-length", str(size).encode()))
    left, sent = size, []

    async def receive() -> dict[str, Any]:
        nonlocal left
        part = min(left, KIB)
        left -= part
        return {"type": "http.request", "body": bytes(part), "more_body": left > 0}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": headers}
    await BodiesOfPages(pages)({**scope, "query_string": b""}, receive, send)
    return sent


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_up_to_the_limit_reaches_the_pages(pages: Pages, declared: bool):
    sent = post(pages, 64 * KIB, declared=declared)
    assert sent[0]["status"] == 200
    assert pages.received == 64 * KIB


@pytest.mark.parametrize("declared", [True, False])
def test_a_larger_body_of_a_stranger_is_refused_before_it_is_read(pages: Pages, declared: bool):
    start, body = post(pages, 300 * 1024 * KIB, declared=declared)
    assert start["status"] == 413
    detail = json.loads(body["body"])["detail"]
    assert detail == "The body is too large. Send at most 65536 bytes."
    assert int(dict(start["headers"])[b"Content-Length"]) == len(body["body"])
    assert pages.received <= 64 * KIB
    # Of a body with a length Django hears nothing. In chunks the client seems to have left.
    assert pages.asked is not declared
    assert pages.left is not declared


@pytest.mark.parametrize(("staff", "status"), [(True, 200), (False, 413)])
def test_the_staff_may_send_as_much_as_the_longest_text_takes(
    pages: Pages, settings, client: Client, staff: bool, status: int
):
    settings.STREAM_MAX_LENGTH = 100 * KIB
    client.force_login(User.objects.create_user("user", is_staff=staff))
    cookie = client.cookies.output(attrs=[], header="").strip()
    # A character takes up to 4 bytes.
    most = 64 * KIB + 4 * 100 * KIB
    assert post(pages, most, declared=False, cookie=cookie)[0]["status"] == status
    assert post(Pages(), most + 1, declared=True, cookie=cookie)[0]["status"] == 413
