"""The engine's settings, each with the value it has where the site says nothing."""

from typing import Any

from django.conf import settings

DEFAULTS: dict[str, Any] = {
    # Origins whose pages may read the streams and open their WebSockets: "https://example.com".
    "STREAM_ALLOWED_ORIGINS": [],
    # Characters in one piece.
    "STREAM_MAX_PIECE_LENGTH": 65_536,
    # Pieces, and characters, in one stream.
    "STREAM_MAX_PIECES": 1_000_000,
    "STREAM_MAX_LENGTH": 64 * 1024 * 1024,
    # Bytes in one request that publishes.
    "STREAM_MAX_BODY": 8 * 1024 * 1024,
}


def setting(name: str) -> Any:
    """Return the site's setting, or the default."""
    return getattr(settings, name, DEFAULTS[name])
