"""Look at streams and delete them while another program writes to SQLite, or has locked it."""

import sqlite3
import threading
import time
from contextlib import closing, suppress
from typing import Any

from django.db import connection
from django.utils import timezone

from streamsite.streams import Stream, log
from streamsite.streams.log import database, liveness, silence
from tests.waiting import wait_until

from .streams import standings

Standings = list[tuple[str, int]]


def look_while_sqlite_is_locked(name: str) -> tuple[Standings, Standings]:
    """Look at a stream while another program has locked SQLite, for longer than a lease lasts.

    The producer renews its lease soon after the lock. Return the standings of the stream right
    after the lock, and then.
    """
    silence.GRACE = 0.2
    stream = log.create(name, fence="mine", lease=0)
    path = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for _ in range(2):  # A look that fails to end the stream takes SQLite's time-out.
            standings([name])
            time.sleep(2 * silence.GRACE)
        other.execute("ROLLBACK")
    right_after = standings([name])
    log.renew([stream.pk], ["mine"], 60)
    return right_after, standings([name])


def look_until_sqlite_is_unlocked(name: str) -> tuple[Standings, Standings]:
    """Look at a stream for the first time shortly before another program unlocks SQLite.

    The producer, whose lease has run out meanwhile, renews it soon after. Return the standings of
    the stream right after the lock, and then.
    """
    stream = log.create(name, fence="mine", lease=0)
    path = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN EXCLUSIVE")
        unlock = threading.Timer(2 * liveness.LOCKED, other.execute, ["ROLLBACK"])

        def begin(execute: Any, sql: str, *arguments: Any) -> Any:
            if sql.startswith("BEGIN"):
                unlock.start()
            return execute(sql, *arguments)

        with connection.execute_wrapper(begin):
            right_after = standings([name])
        unlock.join()
    log.renew([stream.pk], ["mine"], 60)
    return right_after, standings([name])


def patience_of_a_look(name: str) -> tuple[float, float]:
    """Look at the stream of a dead producer.

    Return for how many seconds the look waits for SQLite's lock, and a share of the time after
    which those who wait for the look are told that the database does not answer.
    """
    silence.GRACE = 0
    log.create(name, fence="mine", lease=-1)
    waits = []

    def begin(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith("BEGIN"):
            waits.append(busy_timeout())
        return execute(sql, *arguments)

    usual = busy_timeout()
    with connection.execute_wrapper(begin):
        # A pause of this process looks like a lock, after which the lease runs anew.
        wait_until(lambda: standings([name]) == [("interrupted", 0)], "the stream is interrupted")
    assert busy_timeout() == usual
    return max(waits), database.STUCK / 4


def busy_timeout() -> float:
    """Return for how many seconds this thread's connection waits for the lock."""
    with connection.cursor() as cursor:
        milliseconds = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
    return float(milliseconds / 1000)


def renew_just_before_the_leases_run_anew(name: str) -> float:
    """Look at a stream after a lock of SQLite, whose publisher renews the lease at this moment.

    Return the seconds for which the lease then runs.
    """
    silence.GRACE = 0
    stream = log.create(name, fence="mine", lease=-1)
    silence.silence.refused()
    renewals = iter([60.0])

    def renew(execute: Any, sql: str, *arguments: Any) -> Any:
        if sql.startswith("UPDATE"):
            for lease in renewals:
                log.renew([stream.pk], ["mine"], lease)
        return execute(sql, *arguments)

    with connection.execute_wrapper(renew):
        standings([name])
    lease = Stream.objects.get(name=name).leased_until
    return (lease - timezone.now()).total_seconds() if lease else 0


def delete_while_another_process_writes(name: str) -> None:
    """Delete a stream in a transaction that begins as SQLite's do by default: as a reader.

    Another process tries to write after each query of the transaction.
    """
    stream = log.create(name, fence="mine", lease=60)
    setattr(connection, "transaction_mode", "DEFERRED")  # noqa: B010 - of SQLite alone
    path = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as other:

        def write(execute: Any, sql: str, *arguments: Any) -> Any:
            result = execute(sql, *arguments)
            if connection.in_atomic_block and sql.startswith("SELECT"):
                with suppress(sqlite3.OperationalError):
                    other.execute("INSERT INTO streams_chore (name) VALUES ('another')")
            return result

        with connection.execute_wrapper(write):
            stream.delete()
    assert not Stream.objects.filter(name=name).exists()
