"""manage.py publish: publish standard input, or the output of a command, as a live stream."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
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
from ..arguments import keep, seconds
from ..child import (
    CANNOT_EXECUTE,
    NOT_FOUND,
    SIGNAL_STATUS,
    Child,
    CommandFailed,
    check_command,
    running,
)
from ..copying import discard, write
from ..decoding import Decoder, InputDecoder, ValueDecoder
from ..process import STDIN, CancelOnSignal, Input
from ..reports import database_failure
from ..statuses import StatusCommand

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

WRITE_ERROR_STATUS = 1
# The status with which argparse refuses a command line.
USAGE_STATUS = 2
STOPPED_STATUS = 3
# Everything after this word is the command to run.
COMMAND_FOLLOWS = "--"


class Command(StatusCommand):
    tee_complete = True
    command: Sequence[str] | None = None
    stealth_options = ("command",)
    help = (
        "Publishes the output of a command, or without a command standard input, as a live stream: "
        "manage.py publish build-17 -- make -j2. The stream of a command is done if the command "
        "ends with status 0, and failed otherwise. The stream of standard input is done at the end "
        "of the input. Ctrl-C interrupts the stream. Bytes that are not UTF-8 become U+FFFD, and "
        "NUL characters become U+2400."
    )
    statuses = {
        "0": "the stream ended as done",
        f"{WRITE_ERROR_STATUS}": "an error: see standard error",
        f"{STOPPED_STATUS}": "the stream was stopped or taken over",
        f"{CANNOT_EXECUTE}": "the command can't be executed",
        f"{NOT_FOUND}": "there is no such command",
        f"{SIGNAL_STATUS}+N": "the signal with the number N ended the stream or the command",
        "other": "the status of the command",
    }

    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command line, from which the words after -- are the command to run."""
        if COMMAND_FOLLOWS in argv:
            place = argv.index(COMMAND_FOLLOWS)
            argv, self.command = argv[:place], argv[place + 1 :]
        else:
            self.refuse_words_after_name(argv)
        super().run_from_argv(argv)

    def refuse_words_after_name(self, argv: list[str]) -> None:
        """Exit where a command follows the name of the stream without --, and say where -- belongs.

        Other mistakes are left to Django, which parses the command line again.
        """
        parser = self.create_parser(*argv[:2])
        try:
            known, unknown = parser.parse_known_args(argv[2:])
        except CommandError:
            return
        if unknown and not unknown[0].startswith("-"):
            parser.exit(
                USAGE_STATUS,
                f"{parser.prog}: unrecognized arguments: {' '.join(unknown)}\n"
                f"Write -- before a command: {parser.prog} {known.name} -- {unknown[0]} …\n",
            )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.usage = "%(prog)s [options] [name] [-- command [argument ...]]"
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
            "--format",
            choices=Stream.Format.values,
            help="json: the input is newline-delimited JSON, and each line is a piece "
            "(default: text)",
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
        parser.add_argument(
            "--keep",
            type=keep,
            metavar="DURATION",
            help="how long to keep the stream after its end: a number and s, m, h or d, such as "
            "30d, or forever (default: the setting STREAM_KEEP)",
        )
        parser.add_argument(
            "--tee", action="store_true", help="copy the input or the output to standard output"
        )
        parser.add_argument(
            "--grace",
            type=seconds,
            default=10,
            metavar="SECONDS",
            help="how long the command has to end when the stream is stopped or a signal comes, "
            "before it is killed (default: 10)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        command = options.pop("command", self.command)
        if command is not None:
            check_command(command)
        elif sys.stdin is None:
            raise CommandError("There is no standard input to publish.")
        try:
            status = asyncio.run(self.publish(command=command, **options))
        except StreamError as error:
            raise CommandError(error.detail) from error
        except DatabaseError as error:
            raise database_failure(error) from error
        if status:
            sys.exit(status)

    async def publish(
        self, name: str | None, owner: str | None, command: Sequence[str] | None, **options: Any
    ) -> int:
        """Publish the output of a command, or standard input. Return the exit status."""
        user = await in_database(user_named, owner) if owner else None
        kept = ("title", "visibility", "format", "keep", "takeover", "abandon")
        with CancelOnSignal() as signals:
            try:
                async with publish(
                    name, owner=user, **{option: options[option] for option in kept}
                ) as stream:
                    self.say(f"Stream {stream.name!r} is live. {where_to_watch(stream.name)}")
                    decoder = self.decoder(stream.stream.format, options["split"])
                    if command is None:
                        given = self.input(STDIN, options)
                        await write(stream, decoder, given, every=options["every"])
                    else:
                        await self.run(command, stream, decoder, signals, options)
            except asyncio.CancelledError:
                if signals.received is None:
                    raise
                self.say("Interrupted by a signal. The stream has ended as interrupted.")
                return SIGNAL_STATUS + signals.received
            except CommandFailed as failure:
                self.say(str(failure))
                return failure.status
        if stream.stopped:
            self.say(await why_stopped(stream.name))
            return STOPPED_STATUS
        return 0 if self.tee_complete else WRITE_ERROR_STATUS

    async def run(
        self,
        command: Sequence[str],
        stream: Producer,
        decoder: Decoder,
        signals: CancelOnSignal,
        options: dict[str, Any],
    ) -> None:
        """Publish the output of a command. Raises CommandFailed if the command does not succeed.

        When a signal comes, the command gets the signal, and its last output is published. When
        the stream is stopped, the command gets SIGTERM.
        """
        async with running(command, grace=options["grace"]) as child:
            output = self.input(child.output, options, over=lambda: child.over)
            try:
                await write(stream, decoder, output, every=options["every"])
                await child.wait()
            finally:
                if not child.over:
                    child.send(signals.received or signal.SIGTERM)
                    writing = signals.received is not None and not stream.stopped
                    rest = write(stream, decoder, output) if writing else discard(output)
                    await self.last_words(child, rest)

    async def last_words(self, child: Child, rest: Awaitable[None]) -> None:
        """Give a command that was told to end time to do so.

        The output is still read, because a command can't end while its pipe is full.
        """
        try:
            async with asyncio.timeout(child.grace):
                await rest
                await child.wait()
        except TimeoutError:
            self.say(f"The command did not end within {child.grace:g} s. It is killed.")
        except CommandFailed:
            pass

    def decoder(self, format: str, split: str) -> Decoder:
        """Return what turns the input into the pieces of a stream of this format."""
        if format == Stream.Format.JSON:
            return ValueDecoder()
        return InputDecoder(split, setting("STREAM_MAX_PIECE_LENGTH"), self.say)

    def input(
        self, descriptor: int, options: dict[str, Any], over: Callable[[], bool] = lambda: False
    ) -> Input:
        """Return the bytes to publish."""
        return Input(
            descriptor, tee=options["tee"], on_write_error=self.report_write_error, over=over
        )

    def report_write_error(self, error: OSError) -> None:
        """Report that the copy of the input is incomplete. The exit status is 1, as for tee(1)."""
        self.tee_complete = False
        self.say(f"Can't write to standard output: {error.strerror}. The stream continues.")

    def say(self, sentence: str) -> None:
        """Write a sentence to standard error, because standard output is for --tee."""
        self.stderr.write(f"publish: {sentence}", style_func=str)


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
