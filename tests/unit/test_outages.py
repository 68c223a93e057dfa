"""What a process says of a database that is away, on a clock that the test moves."""

import logging
import sqlite3
from contextlib import closing
from itertools import pairwise

import psycopg
import pytest
from django.db import IntegrityError, InterfaceError, OperationalError

from streamsite.streams.errors import DatabaseAway, StorageFull
from streamsite.streams.log.outages import MOST, STEADY, Outage, disk_full, of_sqlite, unanswered

AWAY = OperationalError("connection refused")


class Process:
    """A process that meets an outage, and what it logs."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.now = 1000.0
        self.outage = Outage(lambda: self.now)
        self._caplog = caplog

    @property
    def lines(self) -> list[str]:
        return [record.getMessage() for record in self._caplog.records]


@pytest.fixture
def process(caplog: pytest.LogCaptureFixture) -> Process:
    caplog.set_level(logging.INFO)
    return Process(caplog)


def test_an_outage_is_told_in_one_line_however_many_meet_it(process: Process):
    assert not process.outage.known
    for _ in range(1000):
        assert process.outage.tell(AWAY)
    assert process.outage.known
    assert process.lines == ["The database does not answer (OperationalError: connection refused)."]


def test_a_long_outage_is_told_less_and_less_often_but_each_minute(process: Process):
    began, told = process.now, []
    for _ in range(3600):
        before = len(process.lines)
        process.outage.tell(AWAY)
        if len(process.lines) > before:
            told.append(process.now - began)
        process.now += 1
    assert told[:5] == [0, 1, 3, 7, 15]
    pauses = {later - earlier for earlier, later in pairwise(told[7:])}
    assert pauses == {MOST}


def test_the_end_of_an_outage_is_told_once_when_the_database_has_answered_for_a_while(
    process: Process,
):
    process.outage.answered()
    process.outage.tell(AWAY)
    process.now += 5
    process.outage.tell(InterfaceError("closed"))
    # A database whose disk is full answers readers between the errors.
    process.now += STEADY
    process.outage.answered()
    assert process.outage.known
    process.now += 0.1
    process.outage.answered()
    process.outage.answered()
    assert not process.outage.known
    assert process.lines[-1] == "The database answers again, after 5 s."
    assert len(process.lines) == 3
    process.outage.tell(AWAY)
    assert len(process.lines) == 4


@pytest.mark.parametrize("error", [None, ValueError("no"), IntegrityError("twice")])
def test_other_errors_are_left_to_the_caller(process: Process, error: Exception | None):
    assert not process.outage.tell(error)
    assert process.lines == []


def test_the_words_of_a_database_take_one_short_line(process: Process):
    process.outage.tell(OperationalError("many\nlines\n" * 1000))
    assert "\n" not in process.lines[0]
    assert len(process.lines[0]) < 300


def raised_by(cause: Exception) -> OperationalError:
    error = OperationalError(f"{cause}")
    error.__cause__ = cause
    return error


def full_sqlite() -> sqlite3.Error:
    """Return the error of an SQLite database that may have no more pages."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE text (text)")
        connection.execute("PRAGMA max_page_count = 2")
        try:
            connection.execute("INSERT INTO text VALUES (zeroblob(100000))")
        except sqlite3.Error as error:
            return error
    raise AssertionError


def test_a_full_disk_is_told_from_a_database_that_is_away():
    sqlite = raised_by(full_sqlite())
    postgres = raised_by(psycopg.errors.DiskFull("could not extend file"))
    for error in (sqlite, postgres):
        assert disk_full(error)
        assert isinstance(unanswered(error), StorageFull)
        assert unanswered(error).status == 507
    locked = raised_by(sqlite3.OperationalError("database is locked"))
    for error in (locked, raised_by(psycopg.OperationalError("refused")), AWAY):
        assert not disk_full(error)
        assert isinstance(unanswered(error), DatabaseAway)
        assert (unanswered(error).status, unanswered(error).retry_after) == (503, 2)
    assert of_sqlite(sqlite)
    assert not of_sqlite(postgres)
