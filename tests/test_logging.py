"""The log as an operator reads it, and the id that the lines of one request have."""

import json
import re
from typing import Any

import pytest

from .inside import streams
from .marks import ON_EVERY_SERVER
from .raw import http, websocket
from .site import SERVERS, Site, SiteMaker
from .waiting import wait_until

INTERNAL_ERROR = 1011
MADE = re.compile("[0-9a-f]{32}")


def lines(site: Site) -> list[dict[str, Any]]:
    """Return the lines of the log that are the site's own: those in JSON."""
    return [json.loads(line) for line in site.server.log.splitlines() if line.startswith("{")]


@pytest.fixture
def broken(make_site: SiteMaker) -> Site:
    """Return a site that logs JSON, with a stream that can't be read."""
    site = make_site(LOG_FORMAT="json").start()
    site.call(streams.publish_values, "damaged", ["a"])
    site.call(streams.damage_segments)
    return site


@pytest.mark.parametrize("server", SERVERS)
def test_an_error_is_one_line_of_json_with_the_id_of_its_request(make_site: SiteMaker, server: str):
    site = make_site(servers=[server], LOG_FORMAT="json").start()
    site.call(streams.publish_values, "damaged", ["a"])
    site.call(streams.damage_segments)
    answer = http.get(site.address, "/stream/damaged/polling", x_request_id="from-the-proxy/7")
    assert answer.status == 500
    assert answer.headers["x-request-id"] == "from-the-proxy/7"
    (line,) = [line for line in lines(site) if "failed" in line["message"]]
    assert line["level"] == "ERROR"
    assert line["logger"] == "streamsite.streams.http.handler"
    assert line["request_id"] == "from-the-proxy/7"
    assert line["exception"].startswith("Traceback")
    assert "\n" in line["exception"]
    site.server.excuse()


def test_a_request_that_is_logged_gets_an_id_and_its_response_says_which(broken: Site):
    answer = http.get(broken.address, "/stream/damaged/polling")
    (line,) = [line for line in lines(broken) if "failed" in line["message"]]
    assert MADE.fullmatch(line["request_id"])
    assert answer.headers["x-request-id"] == line["request_id"]
    broken.server.excuse()


def test_lines_of_the_pages_have_the_id_too(broken: Site):
    answer = http.get(broken.address, "/en/nowhere", x_request_id="page-9")
    assert answer.status == 404
    assert answer.headers["x-request-id"] == "page-9"
    (line,) = [line for line in lines(broken) if line["logger"] == "django.request"]
    assert line["request_id"] == "page-9"


def test_lines_of_a_websocket_have_the_id_of_its_handshake(broken: Site):
    headers = {"X-Request-ID": "socket-1"}
    with websocket.connect(broken.address, "/stream/damaged/ws", headers) as socket:
        assert socket.closed() == INTERNAL_ERROR
    line = wait_until(
        lambda: next((line for line in lines(broken) if "Sending" in line["message"]), None),
        "the failure is logged",
    )
    assert line["request_id"] == "socket-1"
    broken.server.excuse()


@ON_EVERY_SERVER
def test_an_answer_without_an_id_and_without_a_line_has_no_header(site: Site):
    assert "x-request-id" not in http.get(site.address, "/healthz").headers


@pytest.mark.parametrize("wrong", ["", "a b", "x" * 129, "é", '"}{"'])
def test_an_id_that_could_spoil_the_log_is_not_taken(site: Site, wrong: str):
    answer = http.ask(site.address, "/healthz", headers={"X-Request-ID": wrong})
    assert answer.status == 200
    assert "x-request-id" not in answer.headers


def test_work_for_all_requests_has_the_id_of_none(broken: Site):
    """The first viewer starts the heartbeat, which outlives the viewer's request."""
    broken.call(streams.reserve, "awaited")
    with http.Connection(broken.address) as viewer:
        viewer.send("/stream/awaited/events", headers={"X-Request-ID": "first"})
        http.read_head(viewer.file)
        broken.call(streams.drop_watches)
        line = wait_until(
            lambda: next((each for each in lines(broken) if "heartbeat" in each["message"]), None),
            "a heartbeat fails",
        )
    assert "request_id" not in line
    broken.server.kill()  # Each further heartbeat would log a traceback, too.


def test_uvicorn_logs_no_requests_when_it_is_told_so(make_site: SiteMaker):
    site = make_site(servers=["uvicorn"]).start()
    assert http.get(site.address, "/en/").status == 200
    site.server.stop()
    assert "GET /" not in site.server.log


@pytest.mark.parametrize("server", SERVERS)
def test_the_log_says_that_an_await_was_forgotten(make_site: SiteMaker, server: str):
    site = make_site(
        servers=[server], DJANGO_SETTINGS_MODULE="tests.inside.settings.forgetful"
    ).start()
    assert http.get(site.address, "/forget").status == 200
    wait_until(lambda: "write' was never awaited" in site.server.log, "the warning")
