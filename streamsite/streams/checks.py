"""System checks for common mistakes in the settings of a site that installs the engine."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name

from .conf import setting
from .http.origins import parse


@register()
def check_channel_layer(**_: Any) -> list[CheckMessage]:
    """Require a channel layer, by which producers notify readers of new pieces."""
    if "default" in getattr(settings, "CHANNEL_LAYERS", {}):
        return []
    return [
        Error(
            "The engine needs a channel layer to notify readers of new pieces.",
            hint='Set CHANNEL_LAYERS["default"]: '
            "channels.layers.InMemoryChannelLayer for one process, "
            "channels_redis.pubsub.RedisPubSubChannelLayer for several.",
            id="streams.E001",
        )
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
        for origin in setting("STREAM_ALLOWED_ORIGINS")
        if parse(origin) is None
    ]


@register()
def check_asgi(**_: Any) -> list[CheckMessage]:
    """Warn if `runserver` would use WSGI.

    Under WSGI each asynchronous view runs in an event loop of its own. The producers that `start`
    starts end with that event loop.
    """
    if getattr(settings, "ASGI_APPLICATION", None):
        return []
    return [
        Warning(
            "ASGI_APPLICATION is not set, so `runserver` uses WSGI, which can't stream.",
            hint='Set ASGI_APPLICATION, for example to "shop.asgi.application", and put "daphne" '
            "first in INSTALLED_APPS.",
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
            hint="Remove GZipMiddleware and let the proxy compress the pages, or serve the streams "
            "by streamsite.streams.http.handler.StreamHandler, which does not run GZipMiddleware.",
            id="streams.W001",
        )
    ]
