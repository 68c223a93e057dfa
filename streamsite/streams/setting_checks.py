"""System checks of the values of the engine's settings."""

import math
from typing import Any

from django.core.checks import CheckMessage, Error, register

from .conf import LIMITS, setting
from .errors import BadRequest
from .http.clients import parse_network
from .http.origins import parse
from .http.policy import policy_problem
from .instruments import INSTALLED, METRICS
from .log.keeping import kept_for

# What each number counts, and the least that it may be.
NUMBERS = {
    "STREAM_GRACE": ("seconds", 0),
    "STREAM_STALL_TIMEOUT": ("seconds", 1),
}


@register()
def check_origins(**_: Any) -> list[CheckMessage]:
    """Refuse invalid origins, because an invalid origin would never match."""
    return [
        Error(
            f"STREAM_ALLOWED_ORIGINS contains {origin!r}, which is not an origin.",
            hint="Write a scheme, a host and, if necessary, a port: https://example.com.",
            id="streams.E002",
        )
        for origin in setting("STREAM_ALLOWED_ORIGINS")
        if parse(origin) is None
    ]


@register()
def check_proxies(**_: Any) -> list[CheckMessage]:
    """Refuse invalid networks, because an invalid network would contain no proxy."""
    return [
        Error(
            f"STREAM_TRUSTED_PROXIES contains {entry!r}, which is no network.",
            hint="Write an IP address, or a network in CIDR notation: 10.0.0.0/8.",
            id="streams.E006",
        )
        for entry in setting("STREAM_TRUSTED_PROXIES")
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
            f"{name} is {value!r}, which is no limit.",
            hint="Write a whole number from 1, or None for no limit.",
            id="streams.E012",
        )
        for name in LIMITS
        if (value := setting(name)) is not None and not (type(value) is int and value > 0)
    ]


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
