"""System checks of the values of the engine's settings."""

import math
from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Error, register

from .conf import LIMITS, setting
from .errors import BadRequest
from .http.clients import parse_network
from .http.origins import parse
from .http.policy import policy_problem
from .instruments import INSTALLED, METRICS
from .log.keeping import kept_for

# What each number counts, and the least that it may be. A number of seconds may have a fraction.
NUMBERS = {
    "STREAM_GRACE": ("seconds", 0),
    "STREAM_STALL_TIMEOUT": ("seconds", 1),
    "STREAM_MAX_PIECE_LENGTH": ("characters", 1),
    "STREAM_MAX_PIECES": ("pieces", 1),
    "STREAM_MAX_LENGTH": ("characters", 1),
    "STREAM_MAX_BODY": ("bytes", 1),
}
# The settings that are lists of texts.
LISTS = ("STREAM_ALLOWED_ORIGINS", "STREAM_TRUSTED_PROXIES", "STREAM_SKIPPED_MIDDLEWARE")


def is_list(value: object) -> bool:
    """Return whether a value is a list of texts. A bare text would be read letter by letter."""
    return isinstance(value, list | tuple | set) and all(isinstance(each, str) for each in value)


def entries(name: str) -> Iterable[str]:
    """Return the entries of a setting that is a list, or none where `check_types` refuses it."""
    value = setting(name)
    return value if is_list(value) else ()


@register()
def check_types(**_: Any) -> list[CheckMessage]:
    """Require that lists are lists of texts, and that switches are True or False."""
    wrong = [(name, "a list of texts") for name in LISTS if not is_list(setting(name))]
    if not isinstance(setting("STREAM_LOGIN_REQUIRED"), bool):
        wrong.append(("STREAM_LOGIN_REQUIRED", "True or False"))
    return [
        Error(f"{name} is {setting(name)!r}. It must be {what}.", id="streams.E014")
        for name, what in wrong
    ]


@register()
def check_origins(**_: Any) -> list[CheckMessage]:
    """Refuse invalid origins, because an invalid origin would never match."""
    return [
        Error(
            f"STREAM_ALLOWED_ORIGINS contains {origin!r}, which is not an origin.",
            hint="Write a scheme, a host and, if necessary, a port: https://example.com.",
            id="streams.E002",
        )
        for origin in entries("STREAM_ALLOWED_ORIGINS")
        if parse(origin) is None
    ]


@register()
def check_proxies(**_: Any) -> list[CheckMessage]:
    """Refuse invalid networks, because an invalid network would contain no proxy."""
    return [
        Error(
            f"STREAM_TRUSTED_PROXIES contains {entry!r}, which is not a network.",
            hint="Write an IP address, or a network in CIDR notation: 10.0.0.0/8.",
            id="streams.E006",
        )
        for entry in entries("STREAM_TRUSTED_PROXIES")
        if parse_network(entry) is None
    ]


@register()
def check_policy(**_: Any) -> list[CheckMessage]:
    """Require that STREAM_POLICY names a policy."""
    path = setting("STREAM_POLICY")
    if not (problem := policy_problem(path)):
        return []
    return [
        Error(
            f"STREAM_POLICY is {path!r}. {problem}",
            hint='Name a subclass of streamsite.streams.Policy, such as "shop.streams.ShopPolicy".',
            id="streams.E007",
        )
    ]


@register()
def check_keep(**_: Any) -> list[CheckMessage]:
    """Require that STREAM_KEEP is a duration or None."""
    try:
        kept_for(None)
    except BadRequest:
        return [
            Error(
                f"STREAM_KEEP is {setting('STREAM_KEEP')!r}, which is not a duration.",
                hint="Write a timedelta, such as timedelta(days=30), or None for ever.",
                id="streams.E009",
            )
        ]
    return []


@register()
def check_metrics(**_: Any) -> list[CheckMessage]:
    """Refuse an unknown STREAM_METRICS, and metrics without the package that makes the page."""
    chosen = setting("STREAM_METRICS")
    if chosen not in METRICS:
        return [
            Error(
                f"STREAM_METRICS is {chosen!r}.",
                hint=f"Write one of {', '.join(map(repr, METRICS))}.",
                id="streams.E010",
            )
        ]
    if chosen != "off" and not INSTALLED:
        return [
            Error(
                f"STREAM_METRICS is {chosen!r}, and the package prometheus-client is missing.",
                hint="Install it: pip install prometheus-client.",
                id="streams.E011",
            )
        ]
    return []


@register()
def check_limits(**_: Any) -> list[CheckMessage]:
    """Require that each limit of clients and publishers is a whole number from 1, or None."""
    return [
        Error(
            f"{name} is {value!r}, which is not a limit.",
            hint="Write a whole number from 1, or None for no limit.",
            id="streams.E012",
        )
        for name in LIMITS
        if (value := setting(name)) is not None and not (type(value) is int and value > 0)
    ]


@register()
def check_numbers(**_: Any) -> list[CheckMessage]:
    """Require that the settings in `NUMBERS` are numbers, and not below the least."""
    return [
        Error(
            f"{name} is {value!r}. It must be a {'' if unit == 'seconds' else 'whole '}number of "
            f"{unit}, and at least {least}.",
            id="streams.E013",
        )
        for name, (unit, least) in NUMBERS.items()
        if not is_number(value := setting(name), least, whole=unit != "seconds")
    ]


def is_number(value: object, least: float, *, whole: bool) -> bool:
    """Return whether a value is a finite number of at least `least`. A bool is not a number."""
    kinds = int if whole else int | float
    if isinstance(value, bool) or not isinstance(value, kinds):
        return False
    return least <= value < math.inf
