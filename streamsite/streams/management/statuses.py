"""Commands whose help has a table of the exit statuses."""

import argparse
import textwrap
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser, DjangoHelpFormatter

# Characters in a line of the help.
WIDTH = 80
# The status of a command that Ctrl-C ended: 128 plus the number of the signal, as in a shell.
CTRL_C_STATUS = 130


class HelpFormatter(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Django's help formatter, which keeps the line breaks of the table."""


class StatusCommand(BaseCommand):
    """A command that tells its user by the exit status what happened.

        class Command(StatusCommand):
            help = "Prints the text of a stream as it arrives."
            statuses = {"0": "the stream ended as done", "1": "an error: see standard error"}

    The help lists the `statuses`.
    """

    statuses: Mapping[str, str] = {}

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        rows = [f"  {status:<5}  {meaning}" for status, meaning in self.statuses.items()]
        parser = super().create_parser(
            prog_name,
            subcommand,
            formatter_class=HelpFormatter,
            epilog="\n".join(["exit status:", *rows]),
            **kwargs,
        )
        parser.description = textwrap.fill(self.help, WIDTH)
        return parser
