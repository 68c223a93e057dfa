"""The id of a request: from a proxy or made, in the log and in the response."""

import asyncio
import logging
import re
from contextvars import copy_context
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsite.streams.request_id import RequestIdFilter, answering, begin, request_id

START = {"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]}


def scope(*values: bytes) -> dict[str, Any]:
    return {"headers": [(b"host", b"localhost"), *((b"x-request-id", value) for value in values)]}


def logged() -> str:
    """Return the id with which a line would be logged now."""
    record = logging.makeLogRecord({})
    assert RequestIdFilter().filter(record)
    return record.request_id


async def answered(values: tuple[bytes, ...], *, log: bool) -> tuple[str, list[Any]]:
    """Serve a request in a task, as a server does. Return what it logs, and what it sends."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def serve() -> str:
        current = begin(scope(*values))
        line = logged() if log else ""
        await answering(current, send)(START)
        await answering(current, send)({"type": "http.response.body", "body": b""})
        return line

    return await asyncio.create_task(serve()), sent


async def test_an_id_of_the_proxy_is_in_the_log_and_in_the_response():
    line, (start, body) = await answered((b"a1B2.c/d=",), log=True)
    assert line == "a1B2.c/d="
    assert start["headers"] == [(b"a", b"b"), (b"x-request-id", b"a1B2.c/d=")]
    assert "headers" not in body
    assert START["headers"] == [(b"a", b"b")]


async def test_without_one_an_id_is_made_when_something_is_logged_and_only_then():
    line, (start, _) = await answered((), log=True)
    assert re.fullmatch("[0-9a-f]{32}", line)
    assert start["headers"][-1] == (b"x-request-id", line.encode())
    other, _ = await answered((), log=True)
    assert other != line
    _, (start, _) = await answered((), log=False)
    assert start is START


@given(st.binary(max_size=200))
def test_no_id_can_break_a_line_of_the_log_or_fill_it(value):
    given_id = copy_context().run(begin, scope(value)).given
    assert given_id in ("", value.decode("latin1"))
    assert re.fullmatch("[!-~]{0,128}", given_id)


async def test_what_a_request_starts_has_its_id_and_nothing_else_has_one():
    async def serve(value: bytes) -> set[str]:
        begin(scope(value))
        task = await asyncio.create_task(asyncio.to_thread(logged))
        return {request_id(), task}

    assert await asyncio.gather(
        asyncio.create_task(serve(b"one")), asyncio.create_task(serve(b"two"))
    ) == [{"one"}, {"two"}]
    assert logged() == ""


@pytest.mark.parametrize("value", [b"", b"a b", b"a\r\nb: c", b"x" * 129, "ä".encode()])
def test_an_id_of_other_characters_is_ignored(value):
    assert copy_context().run(begin, scope(value)).given == ""
