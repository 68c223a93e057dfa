"""Whole texts: finished streams, and texts that somebody writes at once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from django.db import transaction

from ..errors import Conflict, StreamError
from ..models import Segment, Stream
from ..pieces import Pieces, check_text, split
from ..querysets import home
from ..values import JSON, TEXT, parse
from .limits import check_limits, check_piece, piece_of
from .packing import pack, unpack
from .tombstones import missing, succeed, tombstone


@dataclass(frozen=True, slots=True)
class Recording:
    """A finished stream: all of its pieces, and when each came, in ms since the stream began.

    No piece comes earlier than the one before, although two processes may disagree about the time.
    """

    stream: Stream
    pieces: Pieces
    times: Sequence[int]


def fold(stream_id: int) -> None:
    """Put all pieces of a stream into one row, and store the SHA-256 of the text."""
    segments = list(Segment.objects.filter(stream=stream_id).order_by("first"))
    text = "".join(segment.text for segment in segments)
    if len(segments) > 1:
        Segment.objects.filter(stream=stream_id).delete()
        Segment.objects.create(
            stream_id=stream_id,
            first=0,
            end=segments[-1].end,
            text=text,
            lengths=b"".join(bytes(segment.lengths) for segment in segments),
            times=b"".join(bytes(segment.times) for segment in segments),
        )
    Stream.objects.filter(pk=stream_id).update(sha256=hashlib.sha256(text.encode()).hexdigest())


def checked_pieces(text: str, by: str, format: str = TEXT) -> list[str]:
    """Split a text into pieces by "char", "word" or "line", and check each against the limits.

    In the format `json`, each line of the text is a JSON value, and blank lines are left out.

    Raises BadRequest when the text can't be stored, and TooLarge beyond a limit.
    """
    if format == JSON:
        texts = [
            _checked_line(line, number)
            for number, line in enumerate(text.split("\n"), 1)
            if line.strip()
        ]
    else:
        check_text(text)
        texts = split(text, by)
        for piece in texts:
            check_piece(piece)
    check_limits(len(texts), sum(map(len, texts)))
    return texts


def _checked_line(line: str, number: int) -> str:
    """Return a line that somebody typed as the log keeps it. The error's text names the line."""
    try:
        return piece_of(parse(line), JSON)
    except StreamError as error:
        raise type(error)(f"Line {number}: {error.detail}") from None


def record(stream: Stream, text: str) -> None:
    """Store a whole text as a finished stream, or as a new revision of a finished stream.

    `stream.split` says how the text is split into pieces, and `stream.pace` when each piece comes.
    The text of a stream in the format `json` has one JSON value on each line.

    Raises BadRequest when the text can't be stored, TooLarge beyond a limit, and Conflict while a
    producer writes the stream.
    """
    texts = checked_pieces(text, stream.split, stream.format)
    text = "".join(texts)
    new = stream.pk is None
    with transaction.atomic(home()):
        if new:
            stream.state, stream.ended_at = Stream.State.DONE, stream.started_at
        else:
            # Locked, so that each of two edits at the same time makes a revision of its own.
            current = Stream.objects.select_for_update(no_key=True).get(pk=stream.pk)
            if current.live:
                raise Conflict(f"Stream {stream.name!r} is live. Edit its text after its end.")
            stream.revision = current.revision + 1
            Segment.objects.filter(stream=stream).delete()
        stream.pieces, stream.length = len(texts), len(text)
        stream.save()
        if new and (earlier := tombstone(stream.name)):
            succeed(stream, earlier)
        if texts:
            step = stream.pace * 1000
            Segment.objects.create(
                stream=stream,
                first=0,
                end=len(texts),
                text=text,
                lengths=pack(map(len, texts)),
                times=pack(round(i * step) for i in range(len(texts))),
            )
        fold(stream.pk)
    stream.refresh_from_db(from_queryset=Stream.objects.all())


def recording(stream: Stream) -> Recording:
    """Return the current revision of a finished stream, whole.

    Raises NoSuchStream when the stream was deleted, Removed when it was removed after its time, and
    Conflict while it is live.
    """
    texts: list[str] = []
    times: list[int] = []
    with transaction.atomic(home()):
        # The lock keeps an edit from committing between the two queries, so the pieces belong to
        # the revision that is returned with them.
        current = Stream.objects.select_for_update(no_key=True).filter(pk=stream.pk).first()
        if current is None:
            raise missing(stream.name)
        if current.live:
            raise Conflict(f"Stream {current.name!r} is live. Replay it after its end.")
        for segment in Segment.objects.filter(stream=current).order_by("first"):
            texts += cut(segment)
            times += unpack(segment.times)
    pieces = Pieces(0, tuple(texts), revision=current.revision, format=current.format)
    return Recording(current, pieces, tuple(accumulate(times, max)))


def last_time(stream: Stream) -> int:
    """Return when the newest piece of a live stream came, in ms since the stream began."""
    packed = Segment.objects.filter(stream=stream).order_by("-first").values_list("times")[:1]
    return max((unpack(times)[-1] for (times,) in packed), default=0)


def cut(segment: Segment) -> list[str]:
    """Return the pieces of a segment."""
    text = segment.text
    return [
        text[start:stop] for start, stop in pairwise(accumulate(unpack(segment.lengths), initial=0))
    ]
