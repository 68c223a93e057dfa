"""The engine: a stream is one numbered log of text pieces, a transport is a way to read it.

from streamsite.streams import follow, play, publish, texts
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .endpoints import endpoint
    from .finding import find
    from .following import follow, piece, play, texts
    from .pieces import Cursor
    from .producers import publish, start
    from .transports.websocket import Consumer

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
    "Consumer": "transports.websocket",
    "Cursor": "pieces",
    "endpoint": "endpoints",
    **dict.fromkeys(("publish", "start"), "producers"),
    "find": "finding",
    **dict.fromkeys(("follow", "piece", "play", "texts"), "following"),
}


def __getattr__(name: str) -> Any:
    # Late: Django imports this package before its models can be.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
