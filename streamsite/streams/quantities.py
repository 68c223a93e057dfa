"""A system check of the settings that are numbers."""

import math
from typing import Any

from django.core.checks import CheckMessage, Error, register

from .conf import setting

# What each number counts, and the least that it may be.
NUMBERS = {
    "STREAM_GRACE": ("seconds", 0),
    "STREAM_STALL_TIMEOUT": ("seconds", 1),
}


@register()
def check_numbers(**_: Any) -> list[CheckMessage]:
    """Refuse values that are no number, or below the least."""
    return [
        Error(
            f"{name} is {value!r}. It must be a number of {unit}, and at least {least}.",
            id="streams.E013",
        )
        for name, (unit, least) in NUMBERS.items()
        if not is_number(value := setting(name), least)
    ]


def is_number(value: object, least: float) -> bool:
    """Return whether a value is a finite number of at least `least`. A bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return least <= value < math.inf
