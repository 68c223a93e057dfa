"""Command-line arguments that several commands have, and their types."""

import argparse
import re

from django.core.management.base import CommandParser

from .. import log
from ..errors import BadRequest

_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e]*)")


def seconds(text: str) -> float:
    """Return a duration in seconds. For `type=` of argparse.

    Raises ArgumentTypeError unless `text` is a finite number above 0.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def keep(text: str) -> log.Keep:
    """Return how long a stream is kept after its end. For `type=` of argparse.

    Raises ArgumentTypeError unless `text` is a duration, such as 30d, or "forever".
    """
    try:
        return log.parse_keep(text)
    except BadRequest as error:
        raise argparse.ArgumentTypeError(error.detail) from None


def header(text: str) -> tuple[str, str]:
    """Return the name and the value of a header. For `type=` of argparse.

    Raises ArgumentTypeError unless `text` is like "Name: value".
    """
    match = _HEADER.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError("write a header as 'Name: value'")
    return match[1], match[2]


def add_header(parser: CommandParser, needed: str) -> None:
    """Add the option --header, which may be given several times.

    `needed` says where a request needs such a header. `dict(options["header"])` are the headers.
    """
    parser.add_argument(
        "--header",
        type=header,
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help=f"send this header, such as 'Cookie: sessionid=…' {needed}",
    )
