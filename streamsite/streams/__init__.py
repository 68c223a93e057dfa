"""The engine: a stream is one numbered log of text pieces, a transport is a way to read it.

from streamsite.streams import follow, play, publish, texts
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .http.endpoints import endpoint
    from .http.transports.websocket import Consumer
    from .pieces import Cursor
    from .reading.finding import find
    from .reading.following import follow, piece, play, texts
    from .writing.producers import publish, start

__all__ = [
    "Consumer",
    "Cursor",
    "endpoint",
    "find",
    "follow",
    "piece",
    "play",
    "publish",
    "start",
    "texts",
]

_HOMES = {
    "Consumer": "http.transports.websocket",
    "Cursor": "pieces",
    "endpoint": "http.endpoints",
    **dict.fromkeys(("publish", "start"), "writing.producers"),
    "find": "reading.finding",
    **dict.fromkeys(("follow", "piece", "play", "texts"), "reading.following"),
}


def __getattr__(name: str) -> Any:
    # Late: Django imports this package before its models can be.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
