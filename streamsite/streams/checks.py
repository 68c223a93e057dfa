"""System checks of a project that installs the engine: its URLconf, middleware, server and layer.

The checks of the values of the engine's own settings are in `setting_checks`.
"""

import inspect
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name
from django.core.management import get_commands
from django.urls import get_resolver
from django.urls.resolvers import LocalePrefixPattern

from .http.entrypoint import serves_streams
from .http.middleware import skipped
from .mounts import find_mounts
from .querysets import home
from .workers import unconnected_workers, uncounted_workers

# The apps whose `runserver` is Django's.
WSGI_RUNSERVERS = ("django.core", "django.contrib.staticfiles")
REDIS = "channels_redis.core.RedisChannelLayer"


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
    """Warn if nothing tells that the project is served by ASGI, or if `runserver` uses WSGI.

    Under WSGI each asynchronous view runs in an event loop of its own. The producers that `start`
    starts end with that event loop. Without DEBUG nobody uses `runserver`.
    """
    if not getattr(settings, "ASGI_APPLICATION", None):
        if serves_streams():
            return []
        why = "ASGI_APPLICATION is not set"
    elif settings.DEBUG and get_commands()["runserver"] in WSGI_RUNSERVERS:
        why = '"daphne" does not come first in INSTALLED_APPS'
    else:
        return []
    return [
        Warning(
            f"{why}, so `runserver` uses WSGI, which can't stream.",
            hint='Set ASGI_APPLICATION, for example to "shop.asgi.application", put "daphne" first '
            "in INSTALLED_APPS, and use streams_application in asgi.py.",
            id="streams.W002",
        )
    ]


@register()
def check_wrapped(**_: Any) -> list[CheckMessage]:
    """Warn if the ASGI application of the project is Django's own, without the engine's.

    Django serves the HTTP endpoints then, with all middleware, but answers no WebSocket.
    """
    if not getattr(settings, "ASGI_APPLICATION", None) or serves_streams() is not False:
        return []
    return [
        Warning(
            f"{settings.ASGI_APPLICATION} is not an application of streams_application, so "
            "WebSockets fail, and the streams of start() are not ended when the server stops.",
            hint="In its module, write application = streams_application(get_asgi_application()).",
            id="streams.W006",
        )
    ]


@register()
def check_sqlite(**_: Any) -> list[CheckMessage]:
    """Warn if transactions on SQLite don't wait for the engine's commits.

    A transaction of SQLite begins as a reader. At its first write SQLite fails at once, without the
    `timeout`, if somebody else has written in the meantime. "IMMEDIATE" transactions wait at their
    beginning (https://docs.djangoproject.com/en/5.2/ref/databases/#sqlite-transaction-behavior).
    """
    alias = home()
    database = settings.DATABASES.get(alias, {})
    mode = database.get("OPTIONS", {}).get("transaction_mode") or "DEFERRED"
    if database.get("ENGINE") != "django.db.backends.sqlite3" or mode.upper() != "DEFERRED":
        return []
    return [
        Warning(
            "While a stream is written, a transaction on SQLite that reads before it writes, such "
            'as that of update_or_create(), fails with "database is locked".',
            hint=f'Let transactions wait: DATABASES["{alias}"]["OPTIONS"] = '
            '{"transaction_mode": "IMMEDIATE"}.',
            id="streams.W007",
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
