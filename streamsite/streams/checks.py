"""System checks: what a site that installs the engine may have forgotten."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's name

from .conf import setting
from .http.origins import parse


@register()
def check_channel_layer(**_: Any) -> list[CheckMessage]:
    """A channel layer rings when there are new pieces."""
    if "default" in getattr(settings, "CHANNEL_LAYERS", {}):
        return []
    return [
        Error(
            "The engine has no channel layer to ring with.",
            hint='Set CHANNEL_LAYERS["default"]: '
            "channels.layers.InMemoryChannelLayer for one process, "
            "channels_redis.pubsub.RedisPubSubChannelLayer for several.",
            id="streams.E001",
        )
    ]


@register()
def check_origins(**_: Any) -> list[CheckMessage]:
    """An origin that can't be one never matches."""
    return [
        Error(
            f"STREAM_ALLOWED_ORIGINS: {origin!r} is not an origin.",
            hint="Write scheme, host and port, such as https://example.com.",
            id="streams.E002",
        )
        for origin in setting("STREAM_ALLOWED_ORIGINS")
        if parse(origin) is None
    ]


@register()
def check_asgi(**_: Any) -> list[CheckMessage]:
    """Under WSGI each request has an event loop of its own, and what `start` began ends with it."""
    if getattr(settings, "ASGI_APPLICATION", None):
        return []
    return [
        Warning(
            "ASGI_APPLICATION isn't set, so `runserver` speaks WSGI, which can't stream.",
            hint='Name your ASGI application, such as "shop.asgi.application", and put "daphne" '
            "first in INSTALLED_APPS.",
            id="streams.W002",
        )
    ]


@register()
def check_gzip(**_: Any) -> list[CheckMessage]:
    """Compressed chunk by chunk, a stream is many gzip members: browsers show the first."""
    if "django.middleware.gzip.GZipMiddleware" not in settings.MIDDLEWARE:
        return []
    return [
        Warning(
            "GZipMiddleware breaks streams that pass through it.",
            hint="Leave compression to the proxy, which knows not to compress event streams, "
            "or serve the streams by streamsite.streams.http.handler.StreamHandler.",
            id="streams.W001",
        )
    ]
