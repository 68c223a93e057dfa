"""A run without faults: all readers get the same stream, and the server counts what they count."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.marks import ON_EVERY_SERVER
from tests.site import SiteMaker

from .visitor import SOURCES, STREAMED, TRANSPORTS, Visitor


@ON_EVERY_SERVER
def test_every_transport_of_both_sources_gets_the_stream_and_the_server_counts_alike(start):
    visitor = start(rate=100, size=8, seconds=2, listeners=len(STREAMED))
    readers = [visitor.reader(source, way) for source in SOURCES for way in TRANSPORTS]
    with ThreadPoolExecutor(len(readers)) as pool:
        list(pool.map(lambda reader: reader.read(), readers))
    run = visitor.wait(
        lambda run: run["state"] == "ended" and run["stream"]["state"] == "done", "the end"
    )
    # A connection counts as open until its endpoint has returned, some time after its last byte.
    visitor.wait(lambda run: not any(row["open"] for row in run["connections"]), "no connection")
    given = visitor.look(texts=True)["texts"]
    assert len(given) == run["count"] == run["stream"]["pieces"] == 200
    assert given[17] == "17 ·····"
    text = "".join(given)
    assert run["length"] == run["stream"]["length"] == len(text)
    assert run["sha256"] == run["stream"]["sha256"] == hashlib.sha256(text.encode()).hexdigest()
    for reader in readers:
        row = visitor.row("engine" if reader.engine else "plain", reader.transport)
        assert reader.texts == given, (row, reader.end)
        assert reader.end is not None
        assert (row["pieces"], row["bytes"], row["passed"]) == (200, reader.bytes, reader.bytes)
        if reader.engine:
            assert reader.numbers == list(range(200))
            assert reader.end.get("sha256") == run["sha256"]


def test_a_run_waits_for_the_plain_readers_that_its_visitor_announces(make_site: SiteMaker):
    site = make_site(DJANGO_SETTINGS_MODULE="tests.inside.settings.patient").start()
    patient = Visitor(site.address).start(rate=100, seconds=1, listeners=1)
    Visitor(site.address).start(rate=100, seconds=1).wait_for("over")
    assert patient.look()["count"] == 0
    assert len(patient.reader("plain", "chunked").read().texts) == 100


@pytest.mark.parametrize("size", [1, 7])
def test_the_article_s_text_is_cut_into_pieces_of_the_size(site, start, size):
    visitor = start(rate=100, size=size, seconds=1, text="article")
    reader = visitor.reader("engine", "chunked").read()
    article = "".join(site.pieces()) + "\n"
    assert [len(text) for text in reader.texts] == [size] * 100
    endless = article * (100 * size // len(article) + 1)
    assert "".join(reader.texts) == endless[: 100 * size]


def test_pieces_are_told_from_a_number_on_with_times_that_grow(start):
    visitor = start(rate=50, seconds=1)
    run = visitor.wait_for("over")
    times = [at for at, _length in run["pieces"]]
    assert times == sorted(times)
    assert run["started"] <= times[0] <= times[-1] <= run["now"]
    later = visitor.look(after=48)
    assert later["first"] == 48
    assert later["pieces"] == run["pieces"][48:]


def test_another_tab_finds_the_run(site):
    visitor = Visitor(site.address).start(seconds=1)
    assert visitor.ask("").json["run"] == visitor.id
    visitor.leave()
    assert visitor.ask("").json["run"] is None


def test_an_answer_of_the_model_is_a_run_where_there_is_a_model(make_site):
    site = make_site(CHAT_SOURCE="tests.inside.chatter.essay").start()
    visitor = Visitor(site.address)
    assert visitor.ask("").json["offers"]["texts"]["model"] == ""
    visitor.start(text="model", rate=50)
    reader = visitor.reader("engine", "sse").read()
    assert reader.texts == [f"word {n} " for n in range(20)]
    assert reader.end["end"] == "done"
    assert visitor.wait_for("over")["count"] == 20
    visitor.leave()


def test_without_a_model_its_answer_is_refused_with_the_reason(site):
    visitor = Visitor(site.address)
    answer = visitor.ask("", "POST", {"text": "model"})
    assert answer.status == 409
    assert answer.json["detail"] == visitor.ask("").json["offers"]["texts"]["model"]
    assert "CHAT_MODEL" in answer.json["detail"]
