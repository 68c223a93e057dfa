"""System checks for common mistakes in the settings of a site that installs the engine."""

import inspect
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name
from django.urls import get_resolver
from django.urls.resolvers import LocalePrefixPattern

from .conf import LIMITS, setting
from .errors import BadRequest
from .http.clients import parse_network
from .http.entrypoint import serves_streams
from .http.middleware import skipped
from .http.origins import parse
from .http.policy import policy_problem
from .instruments import INSTALLED, METRICS
from .log.keeping import kept_for
from .mounts import find_mounts
from .workers import unconnected_workers, uncounted_workers

REDIS = "channels_redis.core.RedisChannelLayer"


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
def check_uncounted_workers(**_: Any) -> list[CheckMessage]:
    """Warn if the page of the metrics would show one of several workers.

    As in `check_workers`, `manage.py check` knows only the environment.
    """
    if not (problem := uncounted_workers()):
        return []
    return [
        Warning(
            problem,
            hint="Set the environment variable PROMETHEUS_MULTIPROC_DIR to an empty folder.",
            id="streams.W005",
        )
    ]


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
def check_redis_layer(**_: Any) -> list[CheckMessage]:
    """Warn about a layer that loses what is sent to a channel after some seconds of silence.

    `channels_redis.core.RedisChannelLayer` waits up to 5 s for a message in one blocking command.
    redis-py 8 gives up a read after 5 s by default, so the wait ends with a TimeoutError
    (https://github.com/django/channels_redis/issues/422).
    """
    layer = getattr(settings, "CHANNEL_LAYERS", {}).get("default", {})
    if layer.get("BACKEND") != REDIS:
        return []
    from channels_redis.core import RedisChannelLayer
    from channels_redis.utils import create_pool, decode_hosts
    from redis.asyncio.connection import AbstractConnection

    default = inspect.signature(AbstractConnection).parameters["socket_timeout"].default
    timeouts = [
        create_pool(host).connection_kwargs.get("socket_timeout", default)
        for host in decode_hosts(layer.get("CONFIG", {}).get("hosts"))
    ]
    if all(each is None or each > RedisChannelLayer.brpop_timeout for each in timeouts):
        return []
    return [
        Warning(
            "RedisChannelLayer fails whenever no message comes for 5 s, because redis-py gives up "
            "its read. Readers in other processes then wait for the heartbeat.",
            hint="Use channels_redis.pubsub.RedisPubSubChannelLayer, which is faster, too. Or turn "
            'the timeout off: CHANNEL_LAYERS["default"]["CONFIG"] = '
            '{"hosts": [{"address": "redis://…", "socket_timeout": None}]}.',
            id="streams.W003",
        )
    ]


@register()
def check_workers(**_: Any) -> list[CheckMessage]:
    """Warn if the server is known to run several workers, and no channel layer connects them.

    `manage.py check` knows only the environment. The lifespan of the ASGI application repeats this
    check in each worker, where the command line of the server is known, too.
    """
    problem = unconnected_workers()
    if not problem:
        return []
    return [
        Warning(
            problem,
            hint="Use channels_redis.pubsub.RedisPubSubChannelLayer, or run one worker.",
            id="streams.W004",
        )
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
def check_middleware(**_: Any) -> list[CheckMessage]:
    """Refuse middleware that the engine's addresses would skip without a substitute.

    All middleware runs under WSGI, and under ASGI without `streams_application`. A project with
    ASGI_APPLICATION is taken to use `streams_application` unless the source of asgi.py tells.
    """
    skips = serves_streams()
    if skips is None:
        skips = bool(getattr(settings, "ASGI_APPLICATION", None))
    if not skips:
        return []
    return [
        Error(
            f"{path} does not run for the engine's addresses, and the engine does nothing in its "
            "place.",
            hint="If it turns visitors away or tells who they are, do this in STREAM_POLICY. Then "
            f'add "{path}" to STREAM_SKIPPED_MIDDLEWARE.',
            id="streams.E008",
        )
        for path in skipped()
    ]


@register()
def check_asgi(**_: Any) -> list[CheckMessage]:
    """Warn if nothing tells that the project is served by ASGI.

    Under WSGI each asynchronous view runs in an event loop of its own. The producers that `start`
    starts end with that event loop.
    """
    if getattr(settings, "ASGI_APPLICATION", None) or serves_streams():
        return []
    return [
        Warning(
            "ASGI_APPLICATION is not set, so `runserver` uses WSGI, which can't stream.",
            hint='Set ASGI_APPLICATION, for example to "shop.asgi.application", put "daphne" first '
            "in INSTALLED_APPS, and use streams_application in asgi.py.",
            id="streams.W002",
        )
    ]


@register()
def check_gzip(**_: Any) -> list[CheckMessage]:
    """Warn about GZipMiddleware.

    GZipMiddleware compresses each chunk of an asynchronous response as a gzip member of its own,
    and browsers decode only the first member.
    """
    if "django.middleware.gzip.GZipMiddleware" not in settings.MIDDLEWARE:
        return []
    return [
        Warning(
            "GZipMiddleware breaks the streams that pass through it.",
            hint="Remove GZipMiddleware and let the proxy compress the pages.",
            id="streams.W001",
        )
    ]


@register()
def check_mount(**_: Any) -> list[CheckMessage]:
    """Require that the URLconf includes the engine's URLs below a fixed path.

    An address of a stream is the same for all readers, whatever their language, and contains
    nothing but the name of the stream.
    """
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    mounts = list(find_mounts(get_resolver()))
    if not mounts:
        return [
            Error(
                "The URLconf does not include the engine's URLs, so nobody can read a stream.",
                hint='Add path("stream/", include("streamsite.streams.urls")) to the URLconf of '
                "ROOT_URLCONF.",
                id="streams.E003",
            )
        ]
    messages: list[CheckMessage] = []
    for patterns in mounts:
        if any(isinstance(pattern, LocalePrefixPattern) for pattern in patterns):
            messages.append(
                Error(
                    "i18n_patterns() contains the engine's URLs, so their addresses depend on the "
                    "language.",
                    hint='Move path("stream/", include("streamsite.streams.urls")) out of '
                    "i18n_patterns().",
                    id="streams.E004",
                )
            )
        elif any(pattern.regex.groups for pattern in patterns):
            messages.append(
                Error(
                    f"The path {''.join(map(str, patterns))!r}, below which the URLconf includes "
                    "the engine's URLs, has a parameter. The engine's views do not take it.",
                    hint='Include the engine\'s URLs below a fixed path, such as "stream/".',
                    id="streams.E005",
                )
            )
    return messages
