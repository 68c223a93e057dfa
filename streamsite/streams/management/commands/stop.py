"""manage.py stop: end live streams, whichever process writes them."""

import asyncio
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from ...errors import StreamError
from ...writing.stopping import stop
from ..reports import database_failure


class Command(BaseCommand):
    help = (
        "Ends live streams as stopped, whichever process writes them, and keeps the texts so far. "
        "Prints the names of the streams that were stopped: one name to a line. The exit status is "
        "1 if one of the streams does not exist or has ended already."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+", metavar="NAME", help="the name of a live stream")
        parser.add_argument(
            "--reason",
            default="Stopped by an operator.",
            metavar="SENTENCE",
            help="what viewers are told (default: %(default)s)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            problems = asyncio.run(self.stop(options["names"], options["reason"]))
        except DatabaseError as error:
            raise database_failure(error) from error
        if problems:
            raise CommandError("\n".join(problems))

    async def stop(self, names: Iterable[str], reason: str) -> list[str]:
        """Stop streams and print their names. Return an error message for each other name."""
        problems = []
        for name in names:
            try:
                stopped = await stop(name, reason)
            except StreamError as error:
                problems.append(error.detail)
                continue
            if stopped:
                self.stdout.write(name)
            else:
                problems.append(f"Stream {name!r} has ended already.")
        return problems
