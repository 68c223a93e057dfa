"""manage.py follow: print the text of a stream as it arrives."""

import argparse
import asyncio
import io
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db import DatabaseError

from ... import client
from ...client.reader import as_cursor
from ...errors import BadRequest, StreamError
from ...models import Stream
from ...pieces import LATEST, Cursor, End, Pieces, Record, Reset
from ...reading.cursors import After
from ..arguments import add_header, seconds
from ..local import LOCAL, local_records
from ..reports import database_failure
from ..statuses import CTRL_C_STATUS, StatusCommand

NETWORK_DEFAULT = "sse"

STATUSES: dict[str, int] = {
    Stream.State.DONE: 0,
    Stream.State.STOPPED: 3,
    Stream.State.FAILED: 4,
    Stream.State.INTERRUPTED: 5,
}
# 128 plus the number of the signal, as in a shell.
BROKEN_PIPE_STATUS = 141


class Command(StatusCommand):
    help = (
        "Prints the text of a stream as it arrives, in UTF-8. JSON values are printed one on each "
        "line. Give the name of a stream in this site's database, or the address of a stream on "
        "any site, such as https://example.com/stream/build."
    )
    statuses = {
        f"{STATUSES[Stream.State.DONE]}": "the stream ended as done",
        "1": "an error: see standard error",
        **{f"{n}": f"the stream ended as {state}" for state, n in STATUSES.items() if n},
        f"{CTRL_C_STATUS}": "Ctrl-C",
        f"{BROKEN_PIPE_STATUS}": "nobody reads standard output any more",
    }

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "source", metavar="NAME|URL", help="the name or the address of the stream"
        )
        parser.add_argument(
            "--transport",
            choices=(*client.TRANSPORTS, LOCAL),
            help=f"the transport (default: {NETWORK_DEFAULT} for an address, {LOCAL} for a name)",
        )
        parser.add_argument(
            "--after",
            type=cursor,
            default=Cursor(),
            metavar="N",
            help=f"skip the first N pieces, or begin with the newest piece ({LATEST})",
        )
        add_header(parser, "for a private stream")
        parser.add_argument(
            "--patience",
            type=seconds,
            default=client.PATIENCE,
            metavar="SECONDS",
            help="give up if the server is silent for SECONDS seconds (default: %(default)g)",
        )
        parser.add_argument(
            "--wait",
            type=seconds,
            nargs="?",
            default=0.0,
            const=client.WAIT,
            metavar="SECONDS",
            help="wait SECONDS seconds for a stream that does not exist yet (without SECONDS: "
            f"{client.WAIT:g}). Write the option after the stream",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", newline="")
        try:
            status = asyncio.run(self.follow(self.records(**options)))
        except StreamError as error:
            raise CommandError(error.detail) from error
        except client.Corrupt as error:
            raise CommandError(f"{error} Part of the printed text is wrong or missing.") from error
        except client.ConnectionLost as error:
            raise CommandError(f"The server doesn't answer ({error}).") from error
        except ImportError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise database_failure(error) from error
        except OSError as error:
            # Python flushes standard output at exit, and the flush would fail again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):
                sys.exit(BROKEN_PIPE_STATUS)
            raise CommandError(f"Can't write to standard output: {error.strerror}.") from error
        except KeyboardInterrupt:
            sys.exit(CTRL_C_STATUS)
        if status:
            sys.exit(status)

    async def follow(self, records: AsyncGenerator[Record, None]) -> int:
        """Print the records of a stream, and return the exit status."""
        async with aclosing(records):
            async for record in records:
                match record:
                    case Pieces(texts=texts):
                        self.stdout.write("".join(texts), ending="")
                        self.stdout.flush()
                    case Reset(why=why):
                        self.say(f"{why} Discard the text printed so far.")
                    case End(state=state, reason=reason):
                        if state != Stream.State.DONE:
                            self.say(f"The stream has ended as {state}. {reason}".rstrip())
                        return STATUSES.get(state, 1)
        raise AssertionError("the last record of a stream is an End")

    def records(
        self, *, source: str, transport: str | None, after: After, wait: float, **options: Any
    ) -> AsyncGenerator[Record, None]:
        """Return the records of the stream.

        Raises CommandError if `source` is not valid or does not go with `transport`.
        """
        if "://" not in source:
            if "/" in source:  # No name has a slash.
                raise CommandError(f"Begin the address with its scheme: https://{source}")
            if transport not in (None, LOCAL):
                raise CommandError(f"To follow a stream by {transport}, give the stream's address.")
            return local_records(source, after, wait)
        if transport == LOCAL:
            raise CommandError(f"To follow a stream as {LOCAL}, give the stream's name.")
        try:
            client.check_address(source)
        except ValueError as error:
            raise CommandError(str(error)) from error
        return client.open(
            source,
            transport=transport or NETWORK_DEFAULT,
            after=after,
            headers=dict(options["header"]),
            patience=options["patience"],
            wait=wait,
            on_lost=self.lost,
        )

    def lost(self, error: client.ConnectionLost, wait: float) -> None:
        """Report a lost connection."""
        self.say(f"Connection lost: {error}. Reconnecting in {wait:.1f} s.")

    def say(self, sentence: str) -> None:
        """Write a sentence to standard error, because standard output is for the text."""
        self.stderr.write(f"follow: {sentence}", style_func=str)


def cursor(text: str) -> After:
    """Return a cursor. For `type=` of argparse."""
    try:
        return as_cursor(text)
    except BadRequest as error:
        raise argparse.ArgumentTypeError(error.detail) from error
