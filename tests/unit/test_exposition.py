"""Who may read the metrics, and what the page says of streams and of workers that have ended."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.http import Http404
from django.test import RequestFactory

from streamsite.streams import Stream, publish
from streamsite.streams.http import exposition
from streamsite.streams.http.exposition import (
    StreamsCounter,
    alive,
    forget_the_dead,
    may_read,
    metrics,
)
from streamsite.streams.testing_plugin import streams  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait longer for the database than a page does, because the machine may be busy."""
    monkeypatch.setattr(exposition, "STREAMS_TIMEOUT", 60)


database = pytest.mark.usefixtures("db", "streams")


def request(address: str = "127.0.0.1", **headers: str) -> Any:
    return RequestFactory(REMOTE_ADDR=address).get("/metrics", headers=headers)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.0.9", "::1", "fd00::1"])
def test_internal_is_who_comes_from_a_private_address_and_through_no_proxy(settings, address: str):
    settings.STREAM_METRICS = "internal"
    assert may_read(request(address))
    for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"):
        assert not may_read(request(address, **{name: "10.0.0.1"})), name


@pytest.mark.parametrize("address", ["203.0.113.7", "8.8.8.8", "2a00:1450::1", "", "unix:"])
def test_nobody_else_is_internal(settings, address: str):
    settings.STREAM_METRICS = "internal"
    # RFC 5737 reserves 203.0.113.0/24 for examples, which Python counts as private.
    assert may_read(request(address)) is (address == "203.0.113.7")
    settings.STREAM_METRICS = "on"
    assert may_read(request(address))
    settings.STREAM_METRICS = "off"
    assert not may_read(request(address))


@database
def test_a_page_that_is_off_looks_like_none(settings):
    settings.STREAM_METRICS = "off"
    with pytest.raises(Http404):
        async_to_sync(metrics)(request())


@database
def test_the_page_counts_the_streams_by_their_state(settings, monkeypatch: pytest.MonkeyPatch):
    settings.STREAM_METRICS = "on"
    monkeypatch.setattr(exposition, "WANTED", True)
    monkeypatch.setattr(exposition, "streams_counter", StreamsCounter)
    for name in ("one", "two"):
        with publish(name) as stream:
            stream.write("text")
    response = async_to_sync(metrics)(request())
    assert response["Content-Type"].startswith("text/plain; version=")
    lines = response.content.decode().splitlines()
    # With the article's own.
    assert 'streamsite_streams{state="done"} 3.0' in lines
    assert 'streamsite_streams{state="live"} 0.0' in lines
    assert any(line.startswith("python_info{") for line in lines)


@database
def test_the_streams_are_counted_from_time_to_time():
    Stream.objects.create(name="one", state="done")

    async def twice() -> tuple[int, int]:
        counter = StreamsCounter()
        first = (await counter.read())["done"]
        await Stream.objects.acreate(name="two", state="done")
        return first, (await counter.read())["done"]

    assert async_to_sync(twice)() == (2, 2)
    assert async_to_sync(StreamsCounter().read)()["done"] == 3


@database
def test_while_the_database_does_not_answer_the_page_leaves_the_streams_out():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE streams_stream RENAME TO gone")
    assert async_to_sync(StreamsCounter().read)() == {}
    assert exposition.streams_page({}) == b""


def test_the_gauges_of_workers_that_have_ended_are_forgotten(tmp_path: Path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    living = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert alive(living.pid)
        assert not alive(ended.pid)
        assert alive(1)
        names = [f"{kind}_{pid}.db" for kind in ("gauge_livesum", "counter") for pid in ("1", "x")]
        names += [f"gauge_livesum_{living.pid}.db", f"counter_{ended.pid}.db"]
        for name in [*names, f"gauge_livesum_{ended.pid}.db"]:
            (tmp_path / name).touch()
        forget_the_dead(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    finally:
        living.communicate()


def test_several_workers_share_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Let two processes count, and read the sum in a third."""
    code = "from prometheus_client import Counter\nCounter('tries_total', 'Tries.').inc(2)\n"
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    for _ in range(2):
        subprocess.run([sys.executable, "-c", code], check=True)
    (family,) = exposition.registry().collect()
    assert [(each.name, each.value) for each in family.samples] == [("tries_total", 4.0)]
