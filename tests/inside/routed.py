"""Settings of a site whose router keeps the engine's tables apart, and what the engine does there.

The database "default" has no table of the engine. The router gives "replica" for reading, which has
the tables and stays empty.
"""

import asyncio
from typing import Any

from streamsite.settings import *  # noqa: F403
from streamsite.settings import DATABASES, VAR_DIR

DATABASES |= {
    name: {**DATABASES["default"], "NAME": VAR_DIR / f"{name}.sqlite3"}
    for name in ("streams", "replica")
}
DATABASE_ROUTERS = ["tests.inside.routed.Router"]


class Router:
    def db_for_read(self, model: Any, **_hints: Any) -> str | None:
        return "replica" if model._meta.app_label == "streams" else None

    def db_for_write(self, model: Any, **_hints: Any) -> str | None:
        return "streams" if model._meta.app_label == "streams" else None

    def allow_relation(self, *_objects: Any, **_hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **_hints: Any) -> bool:
        # The engine's tables refer to users, so their databases have the table of users, too.
        return db != "default" or app_label != "streams"


def publish_and_read() -> list[Any]:
    """Publish a stream, read it, edit it and count its viewers. Use a token."""
    from django.core.management import call_command

    from streamsite.streams import PublishToken, follow, log, publish, texts
    from streamsite.streams.log.database import in_database
    from streamsite.streams.reading import presence

    for database in ("streams", "replica", "default"):
        call_command("migrate", database=database, verbosity=0)

    async def text_of(name: str) -> str:
        async with publish(name) as stream:
            await stream.write("one ")
            await stream.flush()
            await stream.write("two")
        return "".join([text async for text in texts(follow(name))])

    def rest() -> list[Any]:
        stream = log.find("a")
        log.record(stream, "edited")
        log.record(stream, "edited again")
        presence.tell_watches("here", {(stream.pk, "sse"): 2})
        token = PublishToken(label="robot")
        key = token.issue()
        token.save()
        bearing = PublishToken.bearing(key)
        return [
            stream.revision,
            stream.text,
            presence.viewers([stream.pk])[stream.pk],
            bearing and bearing.label,
        ]

    async def main() -> list[Any]:
        return [await text_of("a"), *await in_database(rest)]

    return asyncio.run(main())


def lose_streams() -> None:
    """Take away the table of streams."""
    from django.db import connections

    with connections["streams"].cursor() as cursor:
        cursor.execute("ALTER TABLE streams_stream RENAME TO lost")
