"""manage.py publish: publish standard input as a live stream."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.urls import NoReverseMatch, reverse

from ...conf import setting
from ...errors import NoSuchStream, StreamError
from ...log.database import in_database
from ...models import Stream
from ...pieces import SPLITS
from ...reading.finding import find
from ...writing.blocks import publish
from ...writing.producers import Producer
from ..arguments import seconds
from ..decoding import InputDecoder
from ..process import CancelOnSignal, read_standard_input
from ..reports import database_failure

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

WRITE_ERROR_STATUS = 1
STOPPED_STATUS = 3
SIGNAL_STATUS = 128  # plus the number of the signal, as in a shell


class Command(BaseCommand):
    tee_complete = True
    help = (
        "Publishes standard input as a live stream: make 2>&1 | manage.py publish build-17. "
        "The stream is done at the end of the input, and interrupted by Ctrl-C. Bytes that are not "
        "UTF-8 become U+FFFD, and NUL characters become U+2400. Exit status: 0 if the stream is "
        "done, 3 if the stream was stopped or taken over, 1 for an error, 128 plus the number of "
        "the signal for a signal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name",
            nargs="?",
            help="the name of the stream: A-Z, a-z, 0-9, - and _ (default: a random name)",
        )
        parser.add_argument(
            "--title", default="", help="the title that viewers see instead of the name"
        )
        parser.add_argument(
            "--split",
            choices=SPLITS,
            default="line",
            help="how to split the input into pieces (default: line)",
        )
        parser.add_argument(
            "--every",
            type=seconds,
            metavar="SECONDS",
            help="publish one piece every SECONDS seconds",
        )
        parser.add_argument(
            "--visibility",
            choices=Stream.Visibility.values,
            help="who may watch: everyone, anyone with the link, or the owner and staff "
            "(default: owner with --owner, else link)",
        )
        parser.add_argument("--owner", metavar="USERNAME", help="the user who owns the stream")
        parser.add_argument(
            "--takeover",
            action="store_true",
            help="continue the live stream of that name, in place of its producer",
        )
        parser.add_argument(
            "--abandon",
            type=seconds,
            metavar="SECONDS",
            help="stop if nobody has watched for SECONDS seconds",
        )
        parser.add_argument("--tee", action="store_true", help="copy the input to standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        if sys.stdin is None:
            raise CommandError("There is no standard input to publish.")
        try:
            status = asyncio.run(self.publish(**options))
        except StreamError as error:
            raise CommandError(error.detail) from error
        except DatabaseError as error:
            raise database_failure(error) from error
        if status:
            sys.exit(status)

    async def publish(self, name: str | None, owner: str | None, **options: Any) -> int:
        """Publish standard input, and return the exit status."""
        user = await in_database(user_named, owner) if owner else None
        kept = ("title", "visibility", "takeover", "abandon")
        decoder = InputDecoder(options["split"], setting("STREAM_MAX_PIECE_LENGTH"), self.say)
        with CancelOnSignal() as signals:
            try:
                async with publish(
                    name, owner=user, **{option: options[option] for option in kept}
                ) as stream:
                    self.say(f"Stream {stream.name!r} is live. {where_to_watch(stream.name)}")
                    parts = read_standard_input(
                        tee=options["tee"], on_write_error=self.report_write_error
                    )
                    await write(stream, decoder, parts, every=options["every"])
            except asyncio.CancelledError:
                if signals.received is None:
                    raise
                self.say("Interrupted by a signal. The stream has ended as interrupted.")
                return SIGNAL_STATUS + signals.received
        if stream.stopped:
            self.say(await why_stopped(stream.name))
            return STOPPED_STATUS
        return 0 if self.tee_complete else WRITE_ERROR_STATUS

    def report_write_error(self, error: OSError) -> None:
        """Report that the copy of the input is incomplete. The exit status is 1, as for tee(1)."""
        self.tee_complete = False
        self.say(f"Can't write to standard output: {error.strerror}. The stream continues.")

    def say(self, sentence: str) -> None:
        """Write a sentence to standard error, because standard output is for --tee."""
        self.stderr.write(f"publish: {sentence}", style_func=str)


async def write(
    stream: Producer,
    decoder: InputDecoder,
    parts: AsyncGenerator[bytes, None],
    *,
    every: float | None,
) -> None:
    """Write the input into the stream, up to the end of the input."""
    throttle = Throttle(every)
    try:
        async with aclosing(parts):
            async for data in parts:
                for piece in decoder.feed(data) if data else decoder.flush():
                    await throttle.wait()
                    await stream.write(piece)
        for piece in decoder.finish():
            await throttle.wait()
            await stream.write(piece)
    except asyncio.CancelledError:
        if not stream.stopped:
            for piece in decoder.flush():
                await stream.write(piece)
        raise


class Throttle:
    """Space out the pieces: one every `every` seconds, or without a wait if `every` is None."""

    def __init__(self, every: float | None) -> None:
        self._every = every
        self._due = 0.0

    async def wait(self) -> None:
        """Wait until the next piece may be written.

        After a pause of the input the pieces are spaced out as before: none is sent early to catch
        up.
        """
        if self._every is not None:
            now = asyncio.get_running_loop().time()
            self._due = max(self._due, now)
            await asyncio.sleep(self._due - now)
            self._due += self._every


def user_named(username: str) -> "AbstractBaseUser":
    """Return the user with this name. Raises CommandError if there is none."""
    users = get_user_model()
    try:
        return users.objects.get_by_natural_key(username)
    except users.DoesNotExist:
        raise CommandError(f"There is no user named {username!r}.") from None


def where_to_watch(name: str) -> str:
    """Return a sentence about how to watch the stream."""
    try:
        address = f"{reverse('streams:chunked', args=[name])} on the site, or "
    except NoReverseMatch:  # The site does not include the URLs of the engine.
        address = ""
    return f"Watch it: {address}manage.py follow {name}"


async def why_stopped(name: str) -> str:
    """Return a sentence about why this process may not write the stream any more."""
    try:
        stream = await find(name)
    except NoSuchStream:
        return f"Stream {name!r} was deleted."
    if stream.live:
        return f"Stream {name!r} was taken over by another producer."
    return f"Stream {name!r} has ended as {stream.state}. {stream.reason}".rstrip()
