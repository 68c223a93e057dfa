"""manage.py follow: a stream's text on standard output, as it comes."""

import argparse
import asyncio
import io
import os
import re
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from django.core.management.base import (
    BaseCommand,
    CommandError,
    CommandParser,
    DjangoHelpFormatter,
)
from django.db import DatabaseError

from ... import client
from ...errors import BadRequest, StreamError
from ...models import Stream
from ...pieces import Cursor, End, Pieces, Record, Reset
from ...reading.following import follow
from ..arguments import seconds

LOCAL = "local"
NETWORK_DEFAULT = "sse"

STATUSES: dict[str, int] = {
    Stream.State.DONE: 0,
    Stream.State.STOPPED: 3,
    Stream.State.FAILED: 4,
    Stream.State.INTERRUPTED: 5,
}
# As a shell has them for a process that the signal ended.
CTRL_C_STATUS = 130
BROKEN_PIPE_STATUS = 141

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e]*)")


class HelpFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Django's, with the table left as it is."""


class Command(BaseCommand):
    help = (
        "Prints a stream as it comes, in UTF-8: one of this site's database by its name, or one\n"
        "of any site by its address, such as https://example.com/stream/build."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        rows = [f"  {status}    the stream ended as {state}" for state, status in STATUSES.items()]
        rows[1:1] = ["  1    an error, which standard error explains"]
        return super().create_parser(
            prog_name,
            subcommand,
            formatter_class=HelpFormatter,
            epilog="\n".join(["exit status:", *rows, f"  {CTRL_C_STATUS}  Ctrl-C"]),
            **kwargs,
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", metavar="NAME|URL", help="the stream")
        parser.add_argument(
            "--transport",
            choices=(*client.TRANSPORTS, LOCAL),
            help=f"how to follow an address (default: {NETWORK_DEFAULT}); a name is {LOCAL}",
        )
        parser.add_argument(
            "--after", type=cursor, default=Cursor(), metavar="N", help="skip the first N pieces"
        )
        parser.add_argument(
            "--header",
            type=header,
            action="append",
            default=[],
            metavar="'NAME: VALUE'",
            help="send this along, such as 'Cookie: sessionid=…' for a private stream",
        )
        parser.add_argument(
            "--patience",
            type=seconds,
            default=client.PATIENCE,
            metavar="SECONDS",
            help="give up when the server says nothing for so long (default: %(default)g)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", newline="")
        try:
            status = asyncio.run(self.follow(self.records(**options)))
        except StreamError as error:
            raise CommandError(error.detail) from error
        except client.Corrupt as error:
            raise CommandError(f"{error} Part of what was printed is wrong or missing.") from error
        except client.ConnectionLost as error:
            raise CommandError(f"The server doesn't answer ({error}).") from error
        except DatabaseError as error:
            raise CommandError(f"The database refuses ({error}): is it migrated?") from error
        except OSError as error:
            # Python would stumble over it once more when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):
                sys.exit(BROKEN_PIPE_STATUS)
            raise CommandError(f"Standard output can't be written ({error.strerror}).") from error
        except KeyboardInterrupt:
            sys.exit(CTRL_C_STATUS)
        if status:
            sys.exit(status)

    async def follow(self, records: AsyncGenerator[Record, None]) -> int:
        """Print a stream. Returns the exit status."""
        async with aclosing(records):
            async for record in records:
                match record:
                    case Pieces(texts=texts):
                        self.stdout.write("".join(texts), ending="")
                        self.stdout.flush()
                    case Reset(why=why):
                        self.say(f"{why} What was printed so far no longer counts.")
                    case End(state=state, reason=reason):
                        if state != Stream.State.DONE:
                            self.say(f"The stream has ended as {state}. {reason}".rstrip())
                        return STATUSES.get(state, 1)
        raise AssertionError("a stream's records come to an end")

    def records(
        self, *, source: str, transport: str | None, after: Cursor, **options: Any
    ) -> AsyncGenerator[Record, None]:
        """Return the stream's records. Raises CommandError."""
        if "://" not in source:
            if transport not in (None, LOCAL):
                raise CommandError(f"Give the stream's address to follow it by {transport}.")
            return local_records(source, after)
        if transport == LOCAL:
            raise CommandError(f"Give the stream's name to follow it as {LOCAL}.")
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
            on_lost=self.lost,
        )

    def lost(self, error: client.ConnectionLost, wait: float) -> None:
        """Say that the connection was lost."""
        self.say(f"Connection lost ({error}); the next one in {wait:.1f} s.")

    def say(self, sentence: str) -> None:
        """Tell the user. Standard output is for the text alone."""
        self.stderr.write(f"follow: {sentence}", style_func=str)


async def local_records(name: str, after: Cursor) -> AsyncGenerator[Record, None]:
    """Yield a stream's records from the database."""
    async with aclosing(follow(name, after=after, transport=LOCAL)) as batches:
        async for batch in batches:
            for record in batch:
                yield record


def cursor(text: str) -> Cursor:
    """Read a cursor on the command line."""
    try:
        return Cursor.parse(text)
    except BadRequest as error:
        raise argparse.ArgumentTypeError(error.detail) from error


def header(text: str) -> tuple[str, str]:
    """Read a header on the command line."""
    match = _HEADER.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError("a header is written as 'Name: value'")
    return match[1], match[2]
