"""The engine's settings, with their defaults."""

from datetime import timedelta
from typing import Any

from django.conf import settings

DEFAULTS: dict[str, Any] = {
    # Other origins whose pages may read the streams and open WebSockets: ["https://example.com"].
    "STREAM_ALLOWED_ORIGINS": [],
    # Addresses and networks of the proxies whose X-Forwarded-For is believed: ["10.0.0.0/8"].
    "STREAM_TRUSTED_PROXIES": [],
    # The class that says who may watch, stop and publish: a subclass of streamsite.streams.Policy.
    "STREAM_POLICY": "streamsite.streams.Policy",
    # Whether the engine's addresses demand a login where LoginRequiredMiddleware is in MIDDLEWARE.
    "STREAM_LOGIN_REQUIRED": True,
    # Middleware of the project that need not run for the engine's addresses. None runs there.
    "STREAM_SKIPPED_MIDDLEWARE": [],
    # Seconds for which a process that is told to end serves what is open.
    "STREAM_GRACE": 10,
    # How long a stream is kept after its end, unless the stream says otherwise. None is for ever.
    "STREAM_KEEP": timedelta(days=30),
    # Characters in one piece.
    "STREAM_MAX_PIECE_LENGTH": 65_536,
    # Pieces and characters in one stream.
    "STREAM_MAX_PIECES": 1_000_000,
    "STREAM_MAX_LENGTH": 64 * 1024 * 1024,
    # Bytes in the body of one publishing request.
    "STREAM_MAX_BODY": 8 * 1024 * 1024,
    # Seconds for which a viewer may read nothing of what was sent. Then its connection is reset.
    "STREAM_STALL_TIMEOUT": 15,
    # Who may read the metrics: "off" is nobody, "on" is everybody, and "internal" is a client that
    # comes from a private address and through no proxy.
    "STREAM_METRICS": "off",
    # Limits of clients and publishers: see http/limits. None is no limit.
    # Requests and WebSockets that a process serves at once, and those of one client address.
    "STREAM_MAX_VIEWERS": 10_000,
    "STREAM_MAX_VIEWERS_PER_CLIENT": 1_000,
    # Polls a second of one client address.
    "STREAM_MAX_POLLS_PER_CLIENT": 500,
    # For a publisher token, and for a user: streams that are live at once, new streams a minute,
    # and publishing requests a second.
    "STREAM_MAX_LIVE_STREAMS": 200,
    "STREAM_MAX_NEW_STREAMS": 300,
    "STREAM_MAX_PUBLISHES": 500,
    # Wrong publisher tokens a minute of one client address.
    "STREAM_MAX_WRONG_TOKENS": 20,
}


# The settings above that are limits of clients and publishers.
LIMITS = (
    "STREAM_MAX_VIEWERS",
    "STREAM_MAX_VIEWERS_PER_CLIENT",
    "STREAM_MAX_POLLS_PER_CLIENT",
    "STREAM_MAX_LIVE_STREAMS",
    "STREAM_MAX_NEW_STREAMS",
    "STREAM_MAX_PUBLISHES",
    "STREAM_MAX_WRONG_TOKENS",
)


def setting(name: str) -> Any:
    """Return the setting named `name`, or its default if the site does not set it."""
    return getattr(settings, name, DEFAULTS[name])
