"""manage.py publish: what comes on standard input becomes a live stream, as it comes."""

import argparse
import asyncio
import codecs
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import regex
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.urls import NoReverseMatch, reverse

from streamsite.streams.conf import setting
from streamsite.streams.errors import NoSuchStream, StreamError
from streamsite.streams.following import find
from streamsite.streams.models import Stream
from streamsite.streams.pieces import SPLITS, Splitter
from streamsite.streams.producers import Producer, publish

STDIN, STDOUT = 0, 1
READ_SIZE = 65_536
# Seconds without input after which what waits for its end, an unfinished line say, goes out as it is.
PAUSE = 0.5

# The exit status when somebody else ended the stream; 128 and the signal's number on a signal.
STOPPED = 3

_GRAPHEMES = regex.compile(r"\X")


class Command(BaseCommand):
    help = (
        "Reads standard input into a live stream as it comes: make 2>&1 | manage.py publish build. "
        "The stream is done when the input ends, and interrupted on Ctrl-C. Bytes that aren't UTF-8 "
        "become U+FFFD, and NUL becomes U+2400. Exit status: 0 when done, 3 when somebody stopped "
        "the stream or took it over, 1 on an error, 128 + number on a signal."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="A-Z, a-z, 0-9, - and _; it is in the stream's address")
        parser.add_argument("--title", default="", help="what viewers see instead of the name")
        parser.add_argument("--split", choices=SPLITS, default="line", help="what a piece is (line)")
        parser.add_argument("--every", type=seconds, metavar="SECONDS", help="a piece every so often")
        parser.add_argument(
            "--visibility",
            choices=Stream.Visibility.values,
            default=Stream.Visibility.PUBLIC,
            help="who may watch: everyone, anyone with the link, or its owner and staff",
        )
        parser.add_argument("--owner", metavar="USERNAME", help="the user who may stop it, as staff may")
        parser.add_argument(
            "--takeover", action="store_true", help="carry a live stream on from another producer"
        )
        parser.add_argument(
            "--abandon", type=seconds, metavar="SECONDS", help="stop when nobody watched for so long"
        )
        parser.add_argument(
            "--tee",
            action="store_true",
            help="pass the input on to standard output, too, for as long as somebody reads that",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            status = asyncio.run(self.publish(**options))
        except StreamError as error:
            raise CommandError(error.detail) from error
        except DatabaseError as error:
            raise CommandError(f"The database can't be used: {error}. Was it migrated?") from error
        if status:
            sys.exit(status)

    async def publish(
        self, *, name: str, split: str, every: float | None, tee: bool, **options: Any
    ) -> int:
        """Publish standard input. Returns the exit status."""
        with Signals() as signals:
            try:
                producing = publish(
                    name,
                    title=options["title"],
                    owner=await owner_of(options["owner"]),
                    visibility=options["visibility"],
                    takeover=options["takeover"],
                    abandon=options["abandon"],
                )
                async with producing as stream:
                    self.say(f"Publishing {name!r}. {where_to_watch(name)}")
                    await self.write(stream, Intake(split, setting("STREAM_MAX_PIECE_LENGTH")), every, tee)
            except asyncio.CancelledError:
                if signals.received is None:
                    raise
                self.say(f"Interrupted after {stream.n} pieces.")
                return 128 + signals.received
        if stream.stopped:
            self.say(await why_stopped(name))
            return STOPPED
        return 0

    async def write(self, stream: Producer, intake: "Intake", every: float | None, tee: bool) -> None:
        """Write what comes on standard input, paced, to its end."""
        due = asyncio.get_running_loop().time()
        try:
            async for data in arriving():
                if tee and data:
                    tee = passed_on(data)
                for piece in intake.feed(data) if data else intake.flush():
                    if every:
                        due = max(due, ...)
                    await stream.write(piece)
        finally:
            pass

    def say(self, sentence: str) -> None:
        self.stderr.write(f"publish: {sentence}")
