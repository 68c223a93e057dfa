"""The form of the log's lines."""

import asyncio
import json
import logging
import logging.config
import sys
from collections.abc import Iterator
from io import StringIO

import pytest

from streamsite.logs import configuration
from streamsite.streams.request_id import begin


@pytest.fixture
def restored() -> Iterator[None]:
    """Give the loggers back what `configuration` changes."""
    names = [None, "django", "streamsite", "uvicorn", "uvicorn.error", "uvicorn.access"]
    names += ["django.security.DisallowedHost", "channels_redis.pubsub"]
    loggers = [logging.getLogger(name) for name in names]
    before = [
        (each.level, each.propagate, list(each.handlers), list(each.filters)) for each in loggers
    ]
    yield
    for logger, (level, propagate, handlers, filters) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.propagate, logger.handlers, logger.filters = propagate, handlers, filters


@pytest.fixture
def log(request, restored, monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """Configure the log in the form of the test's parameter, and return what is logged."""
    stream = StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logging.config.dictConfig({**configuration(request.param), "disable_existing_loggers": False})
    return stream


JSON = pytest.mark.parametrize("log", ["json"], indirect=True)
PLAIN = pytest.mark.parametrize("log", ["plain"], indirect=True)


def fail(logger: str, error: BaseException) -> None:
    try:
        raise error
    except BaseException:
        logging.getLogger(logger).exception("%s failed", "It")


@JSON
def test_each_record_is_one_line_of_json_with_its_traceback(log: StringIO):
    logging.getLogger("streamsite.streams").info("Two\nlines of %s", "text")
    fail("streamsite.streams", ValueError("no"))
    logging.getLogger("streamsite").warning("Here", stack_info=True)
    first, second, third = (json.loads(line) for line in log.getvalue().splitlines())
    assert first["message"] == "Two\nlines of text"
    assert (first["level"], first["logger"]) == ("INFO", "streamsite.streams")
    assert first["time"].endswith("+00:00")
    assert "request_id" not in first
    assert second["message"] == "It failed"
    assert second["exception"].endswith("ValueError: no")
    assert "test_logs" in third["stack"]


@JSON
async def test_a_line_of_json_names_the_request(log: StringIO):
    async def serve() -> None:
        begin({"headers": [(b"x-request-id", b"abc")]})
        logging.getLogger("streamsite").info("Here")

    await asyncio.create_task(serve())
    assert json.loads(log.getvalue())["request_id"] == "abc"


@PLAIN
async def test_a_plain_line_ends_with_the_request(log: StringIO):
    async def serve() -> None:
        begin({"headers": [(b"x-request-id", b"abc")]})
        logging.getLogger("streamsite").info("Here")

    await asyncio.create_task(serve())
    logging.getLogger("streamsite").info("There")
    here, there = log.getvalue().splitlines()
    assert here.endswith("INFO streamsite: Here [abc]")
    assert there.endswith("INFO streamsite: There")


@PLAIN
def test_what_an_operator_cannot_act_on_is_left_out(log: StringIO):
    fail("uvicorn.error", asyncio.CancelledError())
    logging.getLogger("django.security.DisallowedHost").error("Invalid HTTP_HOST header")
    logging.getLogger("django.request").info("GET /")
    assert log.getvalue() == ""
    fail("uvicorn.error", ValueError("no"))
    assert log.getvalue().endswith("ValueError: no\n")


@PLAIN
def test_a_redis_that_is_away_is_told_in_one_line(log: StringIO):
    fail("channels_redis.pubsub", ConnectionError("refused"))
    assert log.getvalue().endswith("It failed: ConnectionError('refused')\n")
    assert log.getvalue().count("\n") == 1
