"""Streams by name: who asks while a question is under way is asked for together."""

import asyncio

import pytest

from streamsite.streams import log
from streamsite.streams.errors import NoSuchStream, Removed
from streamsite.streams.log.bell import Ring, bell
from streamsite.streams.models import Stream
from streamsite.streams.reading import finding
from streamsite.streams.reading.finding import Finder


class Database:
    """The questions that reach the database, and the moment at which it answers."""

    def __init__(self) -> None:
        self.asked: list[set[str]] = []
        self.answers = asyncio.Event()
        self.fails = False
        # The streams that the look-up ends, because their producers have died.
        self.ended: list[Stream] = []

    async def __call__(self, _work: object, names: set[str]) -> log.Found:
        self.asked.append(names)
        await self.answers.wait()
        if self.fails:
            raise ConnectionError("gone")
        streams = {name: Stream(name=name) for name in names - {"nowhere", "removed"}}
        removed = dict.fromkeys({"removed"} & names, False)
        return log.Found(streams, removed, self.ended)


@pytest.fixture
def database(monkeypatch) -> Database:
    database = Database()
    monkeypatch.setattr(finding, "in_database", database)
    return database


async def ask(finder: Finder, *names: str) -> list[asyncio.Task[Stream]]:
    asking = [asyncio.create_task(finder.find(name)) for name in names]
    await asyncio.sleep(0)
    return asking


async def test_a_thousand_who_ask_meanwhile_are_one_question(database: Database):
    finder = Finder()
    first = await ask(finder, "a")
    while not database.asked:
        await asyncio.sleep(0)
    later = await ask(finder, *["b", "nowhere"] * 500)
    database.answers.set()
    found = await asyncio.gather(*first, *later, return_exceptions=True)
    assert database.asked == [{"a"}, {"b", "nowhere"}]
    assert [getattr(stream, "name", type(stream)) for stream in found[:3]] == [
        "a",
        "b",
        NoSuchStream,
    ]


async def test_one_who_leaves_takes_nobody_along(database: Database):
    leaving, staying = await ask(Finder(), "a", "b")
    leaving.cancel()
    database.answers.set()
    assert (await staying).name == "b"


async def test_everybody_hears_when_the_database_fails_and_may_ask_again(database: Database):
    finder = Finder()
    asking = await ask(finder, "a", "b")
    database.fails = True
    database.answers.set()
    for error in await asyncio.gather(*asking, return_exceptions=True):
        assert isinstance(error, ConnectionError)
    database.fails = False
    assert (await finder.find("a")).name == "a"


async def test_a_removed_stream_is_told_from_one_that_never_was(database: Database):
    database.answers.set()
    finder = Finder()
    with pytest.raises(Removed, match="'removed' was removed") as removed:
        await finder.find("removed")
    with pytest.raises(NoSuchStream, match="no stream named 'nowhere'"):
        await finder.find("nowhere")
    assert (removed.value.status, removed.value.close_code) == (410, 4410)


async def test_all_readers_hear_of_a_stream_that_was_found_dead(database: Database):
    heard: list[Ring] = []
    bell().hear = heard.append
    database.ended = [Stream(pk=7, name="dead", state="interrupted", reason="Died.", pieces=3)]
    database.answers.set()
    await Finder().find("dead")
    assert [(ring.stream_id, ring.n, ring.end and ring.end.reason) for ring in heard] == [
        (7, 3, "Died.")
    ]
