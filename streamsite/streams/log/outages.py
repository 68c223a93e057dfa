"""What a process says of a database that is away, or whose disk is full.

Each stream, each producer and each heartbeat meets the same outage, so the outage is told in one
place: with one line, again after a second, and then less and less often. A parent that does not
read its child's stderr blocks the child after 64 KiB.
"""

import logging
import re
import sqlite3
import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError

from ..errors import DatabaseAway, NotMigrated, StorageFull, StreamError

logger = logging.getLogger(__name__)

# What Django raises while the database is away, and with SQLite for a mistake: see `mistake_in`.
AWAY = (OperationalError, InterfaceError)
# Seconds between the first two lines of an outage, and the most between two lines. Each pause is
# twice as long as the one before.
FIRST, MOST = 1.0, 60.0
# Seconds without an error after which an outage is over.
STEADY = 3.0
# Characters of the database's own words in a line.
WORDS = 200

# The primary result code of SQLite for a full disk (https://sqlite.org/rescode.html#full), and the
# SQLSTATE of PostgreSQL (https://www.postgresql.org/docs/current/errcodes-appendix.html).
SQLITE_FULL, DISK_FULL = 13, "53100"
# The primary result code of SQLite for everything that is wrong with a statement, and what its
# messages say of tables and columns that are missing.
SQLITE_ERROR, PRIMARY = 1, 0xFF
SQLITE_MISSING = re.compile("no such (table|column)|has no column named")
# The SQLSTATEs of PostgreSQL for a table and a column that are missing.
MISSING = ("42P01", "42703")


class Outage:
    """The outage of one process's database, if there is one. `clock` never goes back."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began: float | None = None
        self._next = self._pause = self._last = 0.0

    def tell(self, error: BaseException | None) -> bool:
        """Log that the database does not answer, unless a line has just said so.

        Return False if `error` is another error, which the caller has to log.
        """
        if not is_away(error):
            return False
        now = self._last = self._clock()
        if self._began is None:
            self._began, self._next, self._pause = now, now, FIRST
        if now >= self._next:
            self._next, self._pause = now + self._pause, min(2 * self._pause, MOST)
            words = " ".join(f"{error}".split())[:WORDS]
            logger.error("The database does not answer (%s: %s).", type(error).__name__, words)
        return True

    def answered(self) -> None:
        """Note that the database has answered. After `STEADY` seconds the outage is over."""
        began, last = self._began, self._last
        # A database whose disk is full answers readers.
        if began is not None and self._clock() - last > STEADY:
            self._began = None
            logger.warning("The database answers again, after %.0f s.", last - began)

    @property
    def known(self) -> bool:
        """Whether an outage was told that is not over."""
        return self._began is not None


outage = Outage()


def of_sqlite(error: BaseException) -> bool:
    """Return whether an error comes from SQLite."""
    return isinstance(error.__cause__, sqlite3.Error)


def mistake_in(error: BaseException | None) -> Exception | None:
    """Return the error to raise in place of one that no retry mends, or None for any other error.

    The standard has ProgrammingError for a table that is missing or a statement that is wrong (PEP
    249). Python raises OperationalError for both with SQLite, as for a database that is locked.
    """
    if not isinstance(error, DatabaseError):
        return None
    cause, words = error.__cause__, str(error)
    if getattr(cause, "sqlstate", None) in MISSING:
        return NotMigrated()
    code = getattr(cause, "sqlite_errorcode", None)
    if code is None or code & PRIMARY != SQLITE_ERROR:
        return None
    return NotMigrated() if SQLITE_MISSING.search(words) else ProgrammingError(words)


def is_away(error: BaseException | None) -> bool:
    """Return whether an error says that the database is away."""
    return isinstance(error, AWAY) and mistake_in(error) is None


def disk_full(error: BaseException) -> bool:
    """Return whether the database could not write because its disk is full."""
    cause = error.__cause__
    code = getattr(cause, "sqlite_errorcode", None)
    return code == SQLITE_FULL or getattr(cause, "sqlstate", None) == DISK_FULL


def unanswered(error: BaseException) -> StreamError:
    """Return what a client gets for an error in `AWAY`."""
    if disk_full(error):
        return StorageFull()
    return DatabaseAway()
