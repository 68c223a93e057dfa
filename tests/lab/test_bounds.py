"""A run is bounded, belongs to its visitor, and leaves nothing behind."""

import json
import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.inside import streams
from tests.process import connections, family
from tests.raw import http, websocket
from tests.waiting import wait_until

from .visitor import CUT, STREAMED, TOKEN, TRANSPORTS, Visitor

BODIES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
KEYS = st.sampled_from(["rate", "size", "text", "seconds", "language", "fault", "panel", "source"])
FAULTS = st.sampled_from(["cut", "hang", "slow", "cut-all ", "rm"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"rate": 0}, "\"rate\" must be a whole number from 1 to 200, not '0'."),
        ({"rate": 201}, "\"rate\" must be a whole number from 1 to 200, not '201'."),
        ({"rate": True}, "\"rate\" must be a whole number from 1 to 200, not 'True'."),
        ({"size": "8"}, None),
        ({"seconds": 61}, "\"seconds\" must be a whole number from 1 to 60, not '61'."),
        ({"text": "secrets"}, "\"text\" must be one of numbers, article, model, not 'secrets'."),
        ({"text": ["numbers"]}, None),
        ({"speed": 3}, "The body has the unknown key 'speed'."),
        ([], "The body is not a JSON object."),
        ({"rate": 200, "size": 200, "seconds": 60}, "The run would have 2400000 characters"),
        ({"text": "numbers" * 500}, "The body has 3"),
    ],
)
def test_a_run_that_is_too_much_is_refused_with_a_sentence(site, options, said):
    answer = Visitor(site.address).ask("", "POST", options)
    assert answer.status == (413 if isinstance(options, dict) and len(options) == 3 else 400)
    assert (said or " ") in answer.json["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"fault": "cut"}, '"panel" must be a panel that has connected (none so far)'),
        ({"fault": "burn"}, '"fault" must be one of cut, cut-all, kill'),
        ({}, '"fault" must be one of'),
        ({"fault": ["cut"]}, '"fault" must be one of'),
        ({"fault": "slow", "transport": "polling"}, '"transport" must be one of chunked, sse'),
        ({"fault": "slow", "seconds": 1000}, '"seconds" must be a whole number from 1 to 75'),
    ],
)
def test_a_fault_that_is_none_is_refused_with_a_sentence(start, body, said):
    visitor = start(seconds=1)
    answer = visitor.ask(f"{visitor.id}/faults", "POST", body)
    assert answer.status == 400
    assert said in answer.json["detail"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.dictionaries(KEYS, BODIES | FAULTS) | BODIES, raw=st.binary(max_size=40))
def test_no_body_makes_the_server_fail(site, body, raw):
    visitor = Visitor(site.address)
    visitor.cookies["lab"] = "nothing:of:value"
    for target in ("", "0123/faults"):
        for data in (json.dumps(body).encode(), raw):
            answer = http.ask(
                site.address,
                f"/lab/runs/{target}",
                method="POST",
                headers=visitor.headers,
                body=data,
            )
            assert answer.status in (201, 400, 404, 409, 413, 429), answer.text
            assert answer.status == 201 or answer.json["detail"].endswith(".")
            if answer.status == 201:
                visitor.cookies["lab"] = answer.headers["set-cookie"].split(";")[0].split("=")[1]
                visitor.id = answer.json["id"]
                visitor.leave()


def test_a_page_of_another_site_starts_and_breaks_nothing(start):
    visitor = start(seconds=60)
    for target in ("", f"{visitor.id}/faults"):
        for headers in ({"X-CSRFToken": "x" * 32}, {"Origin": "https://evil.example"}):
            body = {"fault": "kill"} if target else {}
            assert visitor.ask(target, "POST", body, **headers).status in (403, 404)
    assert visitor.ask(visitor.id, "DELETE", **{"X-CSRFToken": "x" * 32}).status == 403
    assert visitor.look()["state"] in ("starting", "running")


def test_the_run_of_another_visitor_is_as_unknown_as_no_run(site):
    owner, other = (Visitor(site.address).start(seconds=60) for _ in range(2))
    before = owner.wait_for("first")["events"]
    forged = Visitor(site.address)
    forged.cookies["lab"] = f"{owner.id}:1xXU5g:{'A' * 43}"
    for stranger in (other, forged, Visitor(site.address)):
        details = set()
        for run_id in (owner.id, "0" * 32, "article", "a" * 101):
            answers = [
                stranger.ask(run_id),
                stranger.ask(run_id, "DELETE"),
                stranger.ask(f"{run_id}/faults", "POST", {"fault": "kill"}),
                *(
                    stranger.ask(f"{run_id}/sse/{source}/direct/{way}")
                    for source in ("engine", "plain")
                    for way in ("polling", "chunked", "events")
                ),
            ]
            assert {answer.status for answer in answers} == {404}
            details |= {answer.json["detail"] for answer in answers}
            for source in ("engine", "plain"):
                target = f"/lab/runs/{run_id}/websocket/{source}/direct/ws"
                with websocket.connect(site.address, target, stranger.headers) as socket:
                    assert socket.closed() == 4404
        assert len(details) == 1
    assert owner.look()["events"] == before
    owner.leave()
    other.leave()


def test_a_visitor_has_one_run_and_a_process_has_few(make_site):
    site = make_site(LAB_MAX_RUNS="2").start()
    first, second, third = (Visitor(site.address) for _ in range(3))
    first.start(seconds=60)
    former = first.id
    first.start(seconds=60)
    assert first.ask(former).status == 404
    second.start(seconds=60).wait_for("first")
    refused = third.ask("", "POST", {})
    assert (refused.status, refused.headers["retry-after"]) == (429, "5")
    assert refused.json["detail"].startswith("2 runs are under way in this process.")
    second.cause("kill")
    second.wait_for("over")
    # A run without a producer takes no place, and can still be looked at.
    third.start(seconds=20)
    assert second.look()["state"] == "ended"


def test_lab_off_takes_everything_away(make_site):
    site = make_site(LAB="off").start()
    visitor = Visitor(site.address)
    assert visitor.ask("").status == 404
    assert visitor.ask("", "POST", {}).status == 404
    for path in ("", "/en"):
        assert http.get(site.address, f"{path}/lab/").status == 404
        assert "/lab/" not in http.get(site.address, f"{path}/").text


def test_a_run_leaves_no_process_row_or_connection(make_site):
    site = make_site().start()
    server = site.server.pid  # Later, `pid` would be that of its youngest child.
    before = site.call(streams.rows), family(server)
    visitor = Visitor(site.address).start(rate=50, seconds=60)
    readings = [visitor.reader(source, way) for source in ("engine", "plain") for way in STREAMED]
    open_ones = [reader.connect() for reader in readings]
    for each in open_ones:
        next(each)
        next(each)
    visitor.cause("slow", seconds=30)
    visitor.cause("hang")
    assert len(family(server)) == len(before[1]) + 1
    visitor.leave()
    for each in open_ones:
        list(cut_off(each))
    wait_until(lambda: not connections(site.server.port), "the connections are closed")
    wait_until(lambda: family(server) == before[1], "the producer is gone")
    wait_until(lambda: site.call(streams.rows) == before[0], "the rows are gone")


def cut_off(reading):
    """Yield from a reading that may be cut off."""
    with suppress(*CUT):
        yield from reading


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_no_producer_outlives_its_server_not_even_one_that_hangs(make_site, number):
    site = make_site().start()
    server = site.server.pid  # Later, `pid` would be that of its youngest child.
    visitors = [Visitor(site.address).start(rate=10, seconds=60) for _ in range(2)]
    for visitor in visitors:
        visitor.wait_for_count(1)
    visitors[0].cause("hang", seconds=20)
    producers = family(server)[1:]
    assert len(producers) == 2
    os.kill(server, number)
    site.server.wait()
    wait_until(lambda: not any(alive(pid) for pid in producers), "the producers are gone")
    site.server.excuse()
    site.server._process = None


def alive(pid: int) -> bool:
    """Return whether a process runs, or is stopped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def test_the_run_goes_on_when_the_process_that_serves_it_is_restarted(valkey, make_site):
    site = make_site(servers=["daphne", "daphne"], REDIS_URL=valkey.url, LAB_RESTART="on").start()
    serving, other = site.servers
    visitor = Visitor(serving.address).start(rate=10, seconds=12)
    reader = visitor.reader("engine", "sse")
    connection = reader.connect()
    for _ in range(10):
        next(connection)
    visitor.cause("restart")
    list(cut_off(connection))
    assert reader.end is None
    # The proxy or the browser finds the other process.
    visitor.address = other.address
    reader.read()
    run = visitor.look()
    assert run["adopted"]
    assert reader.numbers == list(range(120))
    assert reader.end["end"] == run["stream"]["state"] == "done"
    assert "Another process" in visitor.cause("kill", status=409)["detail"]
    visitor.leave()
    assert serving.wait() == 0
    serving._process = None


def test_a_process_that_finds_a_run_after_its_end_knows_the_end_at_once(valkey, make_site):
    site = make_site(servers=["daphne", "daphne"], REDIS_URL=valkey.url).start()
    first, second = site.servers
    visitor = Visitor(first.address).start(rate=200, seconds=5)
    ended = visitor.wait(lambda run: run["stream"]["state"] == "done", "the end")
    visitor.address = second.address
    found = visitor.look()
    assert found["adopted"]
    assert found["stream"] == ended["stream"]


def test_the_cookie_is_for_the_lab_alone(site):
    visitor = Visitor(site.address)
    answer = visitor.ask("", "POST", {"seconds": 1})
    (cookie,) = answer.headers.cookies[:1]
    assert {"HttpOnly", "Path=/lab/runs/", "SameSite=Lax"} <= {
        part.strip() for part in answer.headers["set-cookie"].split(";")
    }
    assert TOKEN not in cookie
    assert set(answer.json["addresses"]["engine"]) == set(TRANSPORTS)
