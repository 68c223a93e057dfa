"""Delete streams on PostgreSQL while the engine works on the same rows."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from streamsite.streams import Stream, log
from streamsite.streams.reading import presence
from tests.waiting import wait_until


def delete_backwards(names: list[str]) -> None:
    """Delete streams in one transaction, the newest first."""
    with transaction.atomic():
        for stream in Stream.objects.filter(name__in=names).order_by("-pk"):
            stream.delete()


def delete_meanwhile(work: str, names: list[str]) -> list[bool]:
    """Delete the first two of three streams in one transaction, and let the engine work meanwhile.

    The engine works on all three when the transaction has deleted the second stream. Return for
    each stream whether the work was done.
    """
    pks = [log.create(name, fence=name, lease=60).pk for name in names]

    def append() -> list[bool]:
        writes = [
            log.Write(pk, name, 0, ["text"], [0]) for pk, name in zip(pks, names, strict=True)
        ]
        return [outcome is None for outcome in log.append(writes)]

    def renew() -> list[bool]:
        renewed = log.renew(pks, names, 120)
        return [name in renewed for name in names]

    def count(viewers: int = 2) -> list[bool]:
        presence.tell_watches("process", {(pk, "sse"): viewers for pk in pks})
        return [presence.viewers([pk]) == {pk: {"sse": viewers}} for pk in pks]

    count(viewers=1)
    with transaction.atomic():
        Stream.objects.get(pk=pks[1]).delete()
        working = Working({"append": append, "renew": renew, "count": count}[work])
        with connection.cursor() as cursor:
            # Where two transactions wait for each other, PostgreSQL ends this one.
            cursor.execute("SET LOCAL deadlock_timeout = '10ms'")
        Stream.objects.get(pk=pks[0]).delete()
    done: list[bool] = working.result()
    return done


def delete_while_a_viewer_comes(name: str) -> int:
    """Count the first viewer of a stream that is being deleted, and return the viewers then."""
    pk = log.create(name, fence="mine", lease=60).pk

    def come(execute: Any, sql: str, *arguments: Any) -> Any:
        result = execute(sql, *arguments)
        if sql.startswith('DELETE FROM "streams_watch"'):
            Working(lambda: presence.tell_watches("new", {(pk, "sse"): 1}))
        return result

    with connection.execute_wrapper(come):
        Stream.objects.get(pk=pk).delete()
    return len(presence.viewers([pk]))


class Working:
    """Work in another thread. The work has been done, or waits for the transaction of this one."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self._result: Any = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        wait_until(lambda: not self._thread.is_alive() or self._waits(), "the work waits")

    def _run(self) -> None:
        try:
            self._result = self._work()
        finally:
            connection.close()

    def _waits(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT FROM pg_locks WHERE NOT granted"
                " AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            return bool(cursor.fetchone() is not None)

    def result(self) -> Any:
        """Return what the work returned, once it is done."""
        self._thread.join()
        return self._result
