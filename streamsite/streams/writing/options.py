"""The options of `publish`, `start` and `reserve`, each declared here once, with its type."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from ..errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


class StreamOptions(TypedDict, total=False):
    """The options of a new stream."""

    # What viewers see instead of the name.
    title: str
    # The user who owns the stream. The stream of an anonymous user has no owner.
    owner: AbstractBaseUser | AnonymousUser | None
    # "public", "link" or "owner". None stands for the default: "owner" for a stream with an owner,
    # and "link" for any other.
    visibility: str | None
    # "text" or "json": whether the pieces are texts or JSON values. None stands for "text", or for
    # the format that the stream has already.
    format: str | None
    # How long the stream is kept after its end. None stands for the setting STREAM_KEEP.
    keep: timedelta | Literal["forever"] | None


class ReserveOptions(StreamOptions, total=False):
    """The options of `reserve` and `areserve`."""

    # Seconds within which the producer may come.
    within: float


class PublishOptions(StreamOptions, total=False):
    """The options of `publish` and `start`.

    A function that passes its options on to `publish` or `start` keeps their types:

        async def answer(question: str, **options: Unpack[PublishOptions]) -> Stream:
            return await start(None, model(question), **options)
    """

    # Whether to continue a live stream of this name in place of its producer.
    takeover: bool
    # Seconds without a viewer after which the stream is stopped.
    abandon: float | None


def checked(function: str, options: Mapping[str, Any], declared: type) -> dict[str, Any]:
    """Return the options as `log.create` takes them, with `owner_id` in place of `owner`.

    Raises TypeError if the TypedDict `declared` does not declare one of the options or the owner is
    no user, and BadRequest for a number of seconds that is none.
    """
    for name in options:
        if name not in declared.__annotations__:
            raise TypeError(
                f"{function}() has no option {name!r}. "
                f"Its options are {', '.join(declared.__annotations__)}."
            )
    for name in ("abandon", "within"):
        if (seconds := options.get(name)) is not None and not is_duration(seconds):
            raise BadRequest(f"{name}={seconds!r} is not valid. Use a number of seconds above 0.")
    fields = dict(options)
    owner = fields.pop("owner", None)
    if owner is not None and not hasattr(owner, "pk"):
        raise TypeError(f"{function}() takes a user as `owner`, and got {type(owner).__name__}.")
    return {**fields, "owner_id": owner.pk if owner else None}


def is_duration(value: object) -> bool:
    """Tell whether a value is a finite number of seconds above 0."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 < value < math.inf  # type: ignore[operator]
