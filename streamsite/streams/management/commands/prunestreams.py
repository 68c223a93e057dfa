"""manage.py prunestreams: remove the streams whose time is over."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from ... import log
from ..reports import database_failure


class Command(BaseCommand):
    help = (
        "Removes the streams whose time is over, and prints their names: one name to a line on "
        "standard output, and their number on standard error. The time of a stream begins at its "
        "end, and is the `keep` that it was published with, or else STREAM_KEEP. Running servers "
        "remove such streams, too, a few at a time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="print the names of the streams that would be removed, and remove none",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = self.list_expired() if options["dry_run"] else self.remove_expired()
        except DatabaseError as error:
            raise database_failure(error) from error
        what = "Streams to remove" if options["dry_run"] else "Streams removed"
        self.stderr.write(f"prunestreams: {what}: {count}.", style_func=str)

    def list_expired(self) -> int:
        """Print the names of the streams whose time is over, and return their number."""
        names = log.expired().values_list("name", flat=True)
        for name in names.iterator():
            self.stdout.write(name)
        return names.count()

    def remove_expired(self) -> int:
        """Remove the streams whose time is over, print their names, and return their number."""
        count = 0
        # A batch may be empty though streams are left, because the project's rows protect the
        # streams of the batch, or because a server is removing them.
        while (removed := log.prune()) or log.expired().exists():
            for name in removed:
                self.stdout.write(name)
            count += len(removed)
        return count
