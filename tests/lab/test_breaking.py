"""The faults of a run: what the engine does, and what the plain way does."""

import gzip
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice

import pytest

from tests.marks import EVERY_SERVER, ON_EVERY_SERVER, upstream
from tests.raw import http
from tests.waiting import PATIENCE

from .visitor import CUT, SOURCES, STREAMED, TRANSPORTS, Reader, Visitor, event_of, kinds_of


def read_through_a_cut(visitor: Visitor, source: str, transport: str):
    """Read, have the connection cut, come back when five more pieces were given, and read on."""
    reader = visitor.reader(source, transport)
    connection = reader.connect()
    for _text in islice(connection, 6):
        pass
    event = visitor.cause("cut", panel=transport)
    with pytest.raises(CUT):
        for _text in connection:
            pass
    before = visitor.look()["count"]
    visitor.wait_for_count(before + 5)
    for _text in reader.connect():
        pass
    return reader, event


@contextmanager
def both_ways(visitor: Visitor, transport: str) -> Iterator[list[Future[Reader]]]:
    """Read from the engine and the plain way at once, and yield the two futures."""
    with ThreadPoolExecutor(2) as pool:
        yield [pool.submit(visitor.reader(source, transport).read) for source in SOURCES]


@ON_EVERY_SERVER
def test_the_engine_loses_nothing_in_a_cut(site, start):
    visitor = start(rate=15, seconds=12)
    # Granian gives no way to a socket, so the answer to a poll can't be cut.
    ways = STREAMED if site.server.name == "granian" else TRANSPORTS
    with ThreadPoolExecutor(4) as pool:
        done = pool.map(lambda way: read_through_a_cut(visitor, "engine", way), ways)
        for reader, event in done:
            assert reader.numbers == list(range(180)), reader.transport
            # Between two polls there is no connection, and the next one is cut.
            assert event["connections"] == 1 or reader.transport == "polling"
            if event["connections"]:
                assert event["how"] == ("ended" if site.server.name == "granian" else "reset")
            assert visitor.row("engine", reader.transport)["cut"] == 1


@ON_EVERY_SERVER
def test_the_plain_way_loses_what_came_meanwhile(start):
    visitor = start(rate=15, seconds=12, listeners=3)
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(lambda way: read_through_a_cut(visitor, "plain", way), STREAMED))
    for reader, _event in done:
        assert reader.texts[0].startswith("0 ")
        assert reader.texts[-1].startswith("179 ")
        assert len(reader.texts) <= 175, reader.transport
        assert visitor.row("plain", reader.transport)["cut"] == 1


def test_plain_polling_has_a_cursor_and_loses_nothing(start):
    visitor = start(rate=15, seconds=12)
    reader, _event = read_through_a_cut(visitor, "plain", "polling")
    assert reader.texts == visitor.look(texts=True)["texts"]


def test_all_connections_of_a_run_are_cut_and_those_of_another_go_on(start):
    visitors = [start(rate=10, seconds=12) for _ in range(2)]
    readers = [visitor.reader("engine", way) for visitor in visitors for way in STREAMED]
    with ThreadPoolExecutor(len(readers)) as pool:
        reading = pool.map(lambda reader: reader.read(), readers)
        for visitor in visitors:
            visitor.wait(
                lambda run: sum(row["pieces"] > 5 for row in run["connections"]) == 3, "the pieces"
            )
        assert visitors[0].cause("cut-all")["connections"] == 3
        list(reading)
    assert [reader.end is None for reader in readers] == [True] * 3 + [False] * 3
    assert all(reader.numbers == list(range(120)) for reader in readers[3:])


def test_a_killed_producer_is_interrupted_for_the_engine_and_silence_for_the_plain_way(site):
    visitor = Visitor(site.address).start(rate=20, seconds=60, listeners=1)
    with both_ways(visitor, "sse") as (engine, plain):
        visitor.wait_for_count(10)
        visitor.cause("kill")
        run = visitor.wait_for("over", "end")
        assert event_of(run, "over")["status"] == -9
        assert run["state"] == "ended"
        assert run["stream"]["state"] == "interrupted"
        assert not run["plain_over"]
        reader = engine.result(PATIENCE)
        assert reader.end["end"] == "interrupted"
        assert reader.numbers == list(range(run["stream"]["pieces"]))
        assert not plain.done()
        assert visitor.row("plain", "sse")["open"] == 1
        visitor.cause("kill", status=409)
        visitor.leave()
        assert len(plain.result(PATIENCE).texts) == run["count"]


def test_a_producer_that_wakes_up_after_its_lease_writes_nothing_more(start):
    visitor = start(rate=5, seconds=12, listeners=1)
    with both_ways(visitor, "websocket") as (engine, plain):
        visitor.wait_for_count(5)
        visitor.cause("hang", seconds=6)
        visitor.cause("hang", status=409)
        interrupted = visitor.wait_for("end")
        assert interrupted["stream"]["state"] == "interrupted"
        run = visitor.wait_for("wake", "fenced", "over")
        assert "has ended (interrupted)" in event_of(run, "fenced")["why"]
        assert kinds_of(run).index("end") < kinds_of(run).index("wake")
        assert run["stream"] == interrupted["stream"]
        assert engine.result(PATIENCE).numbers == list(range(run["stream"]["pieces"]))
        # The plain producer goes on as if nothing had happened.
        assert run["count"] == 60 > run["stream"]["pieces"]
        assert len(plain.result(PATIENCE).texts) == 60


def test_a_stop_from_another_tab_ends_the_stream_but_no_plain_way_knows_it(start):
    visitor = start(rate=8, seconds=10, listeners=1)
    with both_ways(visitor, "chunked") as (engine, plain):
        visitor.wait_for_count(5)
        visitor.cause("stop")
        assert engine.result(PATIENCE).end["end"] == "stopped"
        run = visitor.wait_for("end", "fenced", "over")
        assert "has ended (stopped)" in event_of(run, "fenced")["why"]
        assert len(plain.result(PATIENCE).texts) == run["count"] == 80
        visitor.cause("stop", status=409)


def test_nginx_holds_the_plain_way_back_and_not_the_engine_which_asks_it_not_to(start):
    visitor = start(rate=8, seconds=10, listeners=1)
    with ThreadPoolExecutor(3) as pool:
        reading = [
            pool.submit(visitor.reader(source, "sse", path).read)
            for source, path in (("engine", "nginx"), ("engine", "buffered"), ("plain", "nginx"))
        ]
        visitor.wait(
            lambda run: sum(row["pieces"] >= 5 for row in run["connections"]) == 3, "the pieces"
        )
        assert visitor.row("engine", "sse", "nginx")["passed"] > 0
        assert visitor.row("engine", "sse", "buffered")["passed"] == 0
        assert visitor.row("plain", "sse", "nginx")["passed"] == 0
        readers = [each.result(PATIENCE) for each in reading]
    assert [len(reader.texts) for reader in readers] == [80, 80, 80]
    assert visitor.row("plain", "sse", "nginx")["passed"] == readers[2].bytes


def test_a_proxy_that_compresses_sends_the_same_text_at_the_end(start):
    visitor = start(rate=20, seconds=1)
    answer = visitor.ask(f"{visitor.id}/chunked/engine/gzip/chunked", **{"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    text = gzip.decompress(answer.body).decode()
    assert text == "".join(visitor.look(texts=True)["texts"])
    row = visitor.row("engine", "chunked", "gzip")
    assert (row["bytes"], row["passed"]) == (len(text.encode()), len(answer.body))
    assert row["pieces"] is None  # Bare text does not tell where a piece ends.


@ON_EVERY_SERVER
def test_the_server_holds_a_bounded_part_for_a_slow_reader_which_loses_nothing(site, start):
    visitor = start(rate=200, size=200, seconds=10)
    for transport in STREAMED:
        visitor.cause("slow", transport=transport, seconds=9)
    run = visitor.wait(
        lambda run: all(each["state"] == "complete" for each in run["slow"]), "the slow readers"
    )
    for each in run["slow"]:
        assert (each["pieces"], each["lost"], each["repeated"]) == (2000, 0, 0), each
        assert each["let_go"] is None
        if site.server.name != "granian":
            # Of 700 kB in the time: the server's buffer and the kernel's, of 64 KiB each, and
            # at most one batch of 1000 pieces, if the server was late with it.
            assert 4096 < each["most_held"] < 550_000, each


def test_the_plain_way_drops_what_a_slow_reader_does_not_take(start):
    # A run that waits for its listener gives it all pieces from the first one on.
    visitor = start(rate=200, size=200, seconds=6, listeners=1)
    visitor.cause("slow", transport="chunked", source="plain", seconds=5)
    run = visitor.wait(lambda run: run["slow"][0]["state"] == "complete", "the slow reader")
    (slow,) = run["slow"]
    assert slow["lost"] > 0
    assert slow["pieces"] + slow["lost"] == pytest.approx(run["count"], abs=5)


@upstream("granian", "granian gives no way to a socket, so nobody is let go")
@EVERY_SERVER
def test_a_reader_that_takes_nothing_is_let_go(make_site, on):
    site = make_site(servers=[on], STREAM_STALL_TIMEOUT="2").start()
    visitor = Visitor(site.address).start(rate=200, size=200, seconds=5)
    for transport in STREAMED:
        visitor.cause("slow", transport=transport, seconds=30)
    visitor.cause("slow", transport="sse", source="plain", seconds=30)
    run = visitor.wait(
        lambda run: all(each["state"] == "let go" for each in run["slow"]), "the server lets go"
    )
    for each in run["slow"]:
        assert each["at"] < each["let_go"] < each["until"]
        assert each["lost"] > 0
        assert each["held"] == 0
    assert kinds_of(run).count("letgo") == 4
    visitor.leave()


def test_nobody_may_restart_a_process_that_nothing_starts_again(site):
    visitor = Visitor(site.address).start(seconds=1)
    assert "LAB_RESTART=on" in visitor.cause("restart", status=409)["detail"]
    assert "LAB_RESTART=on" in visitor.ask("").json["offers"]["faults"]["restart"]
    visitor.leave()
    assert http.get(site.address, "/healthz").status == 200
