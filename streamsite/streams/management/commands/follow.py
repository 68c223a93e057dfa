"""manage.py follow: print the text of a stream as it arrives."""

import argparse
import asyncio
import io
import os
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
from ...client.backoff import Backoff
from ...client.reader import WAITING_PAUSE, as_cursor
from ...errors import BadRequest, NoSuchStream, StreamError
from ...models import Stream
from ...pieces import LATEST, Cursor, End, Pieces, Record, Reset
from ...reading.cursors import After
from ...reading.finding import find
from ...reading.following import follow
from ..arguments import header, seconds
from ..reports import database_failure

LOCAL = "local"
NETWORK_DEFAULT = "sse"

STATUSES: dict[str, int] = {
    Stream.State.DONE: 0,
    Stream.State.STOPPED: 3,
    Stream.State.FAILED: 4,
    Stream.State.INTERRUPTED: 5,
}
# 128 plus the number of the signal, as in a shell.
CTRL_C_STATUS = 130
BROKEN_PIPE_STATUS = 141


class HelpFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Django's help formatter, which keeps the line breaks of the table of exit statuses."""


class Command(BaseCommand):
    help = (
        "Prints the text of a stream as it arrives, in UTF-8. JSON values are printed one on each\n"
        "line. Give the name of a stream in this site's database, or the address of a stream on\n"
        "any site, such as https://example.com/stream/build."
    )

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        rows = [f"  {status}    the stream ended as {state}" for state, status in STATUSES.items()]
        rows[1:1] = ["  1    an error: see standard error"]
        return super().create_parser(
            prog_name,
            subcommand,
            formatter_class=HelpFormatter,
            epilog="\n".join(["exit status:", *rows, f"  {CTRL_C_STATUS}  Ctrl-C"]),
            **kwargs,
        )

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
        parser.add_argument(
            "--header",
            type=header,
            action="append",
            default=[],
            metavar="'NAME: VALUE'",
            help="send this header, such as 'Cookie: sessionid=…' for a private stream",
        )
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
            help="wait for a stream that does not exist yet, SECONDS seconds (default: "
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


async def local_records(name: str, after: After, wait: float) -> AsyncGenerator[Record, None]:
    """Yield the records of a stream in this site's database.

    Waits up to `wait` seconds for a stream that does not exist yet.
    """
    stream = await appearing(name, wait)
    async with aclosing(follow(stream, after=after, transport=LOCAL)) as batches:
        async for batch in batches:
            for record in batch:
                yield record


async def appearing(name: str, wait: float) -> Stream:
    """Return the stream named `name`, which may appear within `wait` seconds.

    Raises NoSuchStream after this time.
    """
    now = asyncio.get_running_loop().time
    until = now() + wait
    backoff = Backoff()
    while True:
        try:
            return await find(name)
        except NoSuchStream as error:
            if error.status != NoSuchStream.status or now() >= until:
                raise
        await asyncio.sleep(min(backoff.next(), WAITING_PAUSE, max(0.0, until - now())))


def cursor(text: str) -> After:
    """Return a cursor. For `type=` of argparse."""
    try:
        return as_cursor(text)
    except BadRequest as error:
        raise argparse.ArgumentTypeError(error.detail) from error
