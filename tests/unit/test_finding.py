"""Streams by name: who asks while a question is under way is asked for together."""

import asyncio

import pytest

from streamsite.streams.errors import NoSuchStream
from streamsite.streams.models import Stream
from streamsite.streams.reading import finding
from streamsite.streams.reading.finding import Finder


class Database:
    """The questions that reach the database, and the moment at which it answers."""

    def __init__(self) -> None:
        self.asked: list[set[str]] = []
        self.answers = asyncio.Event()
        self.fails = False

    async def __call__(self, _work: object, names: set[str]) -> dict[str, Stream]:
        self.asked.append(names)
        await self.answers.wait()
        if self.fails:
            raise ConnectionError("gone")
        return {name: Stream(name=name) for name in names if name != "nowhere"}


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
