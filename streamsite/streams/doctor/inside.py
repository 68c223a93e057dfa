"""The checks that need no address: the settings, the migrations and the database."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from django.core.checks import ERROR, run_checks
from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError

from ..querysets import home
from .findings import Finding, ok, percentile, problem, readable, warning
from .probe import Probe

# Commits that are measured.
COMMITS = 50
# Seconds that half of the commits, and 99 of 100, may take before viewers notice.
MEDIAN_COMMIT = 0.02
SLOW_COMMIT = 0.2
# Seconds between two clocks: worth a warning, and more than the lease of a producer bears.
CLOCK_WARNING = 2.0
CLOCK_PROBLEM = 10.0


def check_inside() -> list[Finding]:
    """Return what can be found without a stream."""
    return [*check_settings(), *check_database()]


def check_settings() -> Iterator[Finding]:
    """Yield what the engine's system checks say."""
    found = [each for each in run_checks() if (each.id or "").startswith("streams.")]
    for each in found:
        make = problem if each.level >= ERROR else warning
        yield make("settings", f"{each.id}: {each.msg}", each.hint or "")
    if not found:
        yield ok("settings", "The system checks of the engine find nothing.")


def check_database() -> Iterator[Finding]:
    """Yield whether the database answers, has all tables, and is used as ASGI needs."""
    connection = connections[home()]
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        reason = " ".join(str(error).split())
        yield problem(
            "database", f"The database doesn't answer ({reason}).", "Check the setting DATABASES."
        )
        return
    if missing:
        yield problem(
            "migrations",
            f"{len(missing)} migrations are not applied, {missing[0][0]} among them.",
            "Run manage.py migrate.",
        )
    else:
        yield ok("migrations", "All migrations are applied.")
    if connection.settings_dict["CONN_MAX_AGE"] == 0:
        yield ok("connections", "CONN_MAX_AGE is 0.")
    else:
        yield warning(
            "connections",
            f"CONN_MAX_AGE is {connection.settings_dict['CONN_MAX_AGE']}. Under ASGI the threads "
            "of ended requests keep connections that nobody uses.",
            "Set CONN_MAX_AGE to 0.",
        )
    if connection.vendor == "postgresql":
        yield _judge_database_clock()


def _judge_database_clock() -> Finding:
    with connections[home()].cursor() as cursor:
        before = time.time()
        cursor.execute("SELECT clock_timestamp()")
        (theirs,) = cursor.fetchone()
        ours = (before + time.time()) / 2
    return judge_clock("the database", theirs, datetime.fromtimestamp(ours, UTC), error=0.05)


def judge_clock(whose: str, theirs: datetime, ours: datetime, *, error: float) -> Finding:
    """Return whether two clocks agree. One of them was read with an error of `error` seconds."""
    off = abs((theirs - ours).total_seconds())
    if off <= CLOCK_WARNING + error:
        return ok("clock", f"The clock of {whose} agrees with this machine's.")
    make = problem if off > CLOCK_PROBLEM else warning
    return make(
        "clock",
        f"The clock of {whose} differs from this machine's by {readable(off)}, so viewer "
        "links, leases and the times of streams are wrong.",
        "Synchronize the clocks of both machines, for example with chrony.",
    )


async def check_commits(probe: Probe) -> Finding:
    """Return how long the commit of a piece takes."""
    took = []
    for _ in range(COMMITS):
        began = time.perf_counter()
        await probe.write()
        took.append(time.perf_counter() - began)
    median, slow = percentile(took, 0.5), percentile(took, 0.99)
    figures = f"{readable(median)} (p50), {readable(slow)} (p99)"
    if median <= MEDIAN_COMMIT and slow <= SLOW_COMMIT:
        return ok("commits", f"A commit takes {figures}.")
    make = problem if median > SLOW_COMMIT else warning
    return make(
        "commits",
        f"A commit takes {figures}, and each piece is shown that much later.",
        "Put the database near the processes, on a disk with fast flushes; on PostgreSQL, "
        "synchronous_commit = off is faster, and loses at most the last moment in a crash.",
    )
