"""Durations as people write them on a command line, in a query and in an environment variable."""

import re
from datetime import timedelta

# A number and a unit, without a sign and without a fraction.
PATTERN = "[0-9]{1,9}[smhd]"

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse(text: str) -> timedelta:
    """Return the duration that `text` says: a number and a unit, s, m, h or d.

        parse("90s")  # timedelta(seconds=90)
        parse("30d")  # timedelta(days=30)

    Raises ValueError for any other text.
    """
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f"{text[:40]!r} is not a duration. Use a number and s, m, h or d: 30d.")
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
