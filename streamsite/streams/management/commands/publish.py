"""manage.py publish: what comes on standard input becomes a live stream, as it comes."""

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
from ...writing.producers import Producer, publish
from ..arguments import seconds
from ..intake import Intake
from ..process import Signals, standard_input

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

UNWRITABLE_STATUS = 1
STOPPED_STATUS = 3
SIGNAL_STATUS = 128  # and the signal's number, as a shell has it


class Command(BaseCommand):
    passed_on = True
    help = (
        "Reads standard input into a live stream as it comes: make 2>&1 | manage.py publish b-17. "
        "The stream is done at the end of the input, and interrupted on Ctrl-C. Bytes that aren't "
        "UTF-8 become U+FFFD, NUL becomes U+2400. Exit status: 0 when done, 3 when the stream was "
        "stopped or taken over, 1 on an error, 128 and its number on a signal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "name",
            nargs="?",
            help="the stream's name: A-Z, a-z, 0-9, - and _ (default: one that nobody can guess)",
        )
        parser.add_argument("--title", default="", help="what viewers see instead of the name")
        parser.add_argument(
            "--split", choices=SPLITS, default="line", help="what makes a piece (default: line)"
        )
        parser.add_argument(
            "--every", type=seconds, metavar="SECONDS", help="a piece each so many seconds"
        )
        parser.add_argument(
            "--visibility",
            choices=Stream.Visibility.values,
            default=Stream.Visibility.PUBLIC,
            help="who may watch: everyone; anyone with the link; its owner and staff",
        )
        parser.add_argument("--owner", metavar="USERNAME", help="the user whose stream it is")
        parser.add_argument(
            "--takeover", action="store_true", help="carry on a live stream of that name"
        )
        parser.add_argument(
            "--abandon",
            type=seconds,
            metavar="SECONDS",
            help="stop when nobody has watched for so many seconds",
        )
        parser.add_argument(
            "--tee", action="store_true", help="pass the input on to standard output as well"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if sys.stdin is None:
            raise CommandError("There is no standard input to publish.")
        try:
            status = asyncio.run(self.publish(**options))
        except StreamError as error:
            raise CommandError(error.detail) from error
        except DatabaseError as error:
            raise CommandError(f"The database refuses ({error}): is it migrated?") from error
        if status:
            sys.exit(status)

    async def publish(self, name: str | None, owner: str | None, **options: Any) -> int:
        """Publish standard input. Returns the exit status."""
        user = await in_database(user_named, owner) if owner else None
        kept = ("title", "visibility", "takeover", "abandon")
        intake = Intake(options["split"], setting("STREAM_MAX_PIECE_LENGTH"), self.say)
        with Signals() as signals:
            try:
                async with publish(
                    name, owner=user, **{option: options[option] for option in kept}
                ) as stream:
                    self.say(f"Stream {stream.name!r} is live. {where_to_watch(stream.name)}")
                    parts = standard_input(tee=options["tee"], unwritable=self.tell_unwritable)
                    await write(stream, intake, parts, every=options["every"])
            except asyncio.CancelledError:
                if signals.received is None:
                    raise
                self.say("Interrupted, and so is the stream.")
                return SIGNAL_STATUS + signals.received
        if stream.stopped:
            self.say(await why_stopped(stream.name))
            return STOPPED_STATUS
        return 0 if self.passed_on else UNWRITABLE_STATUS

    def tell_unwritable(self, error: OSError) -> None:
        """Have the end say that not all went to standard output, as tee(1) does."""
        self.passed_on = False
        self.say(f"Standard output can't be written ({error.strerror}): the stream alone goes on.")

    def say(self, sentence: str) -> None:
        """Tell the user. Standard output is for --tee alone."""
        self.stderr.write(f"publish: {sentence}", style_func=str)


async def write(
    stream: Producer, intake: Intake, parts: AsyncGenerator[bytes, None], *, every: float | None
) -> None:
    """Write what comes into a stream, to its end."""
    pace = Pace(every)
    try:
        async with aclosing(parts):
            async for data in parts:
                for piece in intake.feed(data) if data else intake.pause():
                    await pace.wait()
                    await stream.write(piece)
        for piece in intake.end():
            await pace.wait()
            await stream.write(piece)
    except asyncio.CancelledError:
        if not stream.stopped:
            for piece in intake.pause():
                await stream.write(piece)
        raise


class Pace:
    """Waits so that a piece comes each so many seconds, or not at all."""

    def __init__(self, every: float | None) -> None:
        self._every = every
        self._due = 0.0

    async def wait(self) -> None:
        """Return when the next piece is due. After a source that was late, none hurries."""
        if self._every is not None:
            now = asyncio.get_running_loop().time()
            self._due = max(self._due, now)
            await asyncio.sleep(self._due - now)
            self._due += self._every


def user_named(username: str) -> "AbstractBaseUser":
    """Return the user. Raises CommandError."""
    users = get_user_model()
    try:
        return users.objects.get_by_natural_key(username)
    except users.DoesNotExist:
        raise CommandError(f"There is no user named {username!r}.") from None


def where_to_watch(name: str) -> str:
    """Say how to watch the stream."""
    try:
        address = f"{reverse('streams:chunked', args=[name])} on the site, or "
    except NoReverseMatch:  # A site without the engine's addresses.
        address = ""
    return f"Watch it: {address}manage.py follow {name}"


async def why_stopped(name: str) -> str:
    """Say what became of a stream that this process may not write any more."""
    try:
        stream = await find(name)
    except NoSuchStream:
        return f"Stream {name!r} was deleted."
    if stream.live:
        return f"Stream {name!r} was taken over by another producer."
    return f"Stream {name!r} has ended as {stream.state}. {stream.reason}".rstrip()
