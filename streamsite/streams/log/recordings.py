"""Whole texts: those that are over, and those that somebody writes at once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from django.db import transaction

from ..errors import Conflict, NoSuchStream
from ..models import Segment, Stream
from ..pieces import Pieces, check_text, split
from .limits import check_limits, check_piece
from .packing import pack, unpack


@dataclass(frozen=True, slots=True)
class Recording:
    """A finished stream: all pieces, and when each came, in ms since the stream began."""

    stream: Stream
    pieces: Pieces
    times: Sequence[int]


def fold(stream_id: int) -> None:
    """Put all of a stream's pieces into one row, and write down the hash of its text."""
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


def checked_pieces(text: str, by: str) -> list[str]:
    """Split a whole text by "char", "word" or "line" and check that a stream can hold the pieces.

    Raises BadRequest for a text that the database can't store unchanged, TooLarge beyond a limit.
    """
    check_text(text)
    pieces = split(text, by)
    check_limits(len(pieces), len(text))
    for piece in pieces:
        check_piece(piece)
    return pieces


def record(stream: Stream, text: str) -> None:
    """Write a whole text, split as the stream says, as a finished stream or a new revision of one.

    Raises BadRequest for a text that can't be kept, TooLarge beyond a limit, Conflict while the
    stream is live with a producer.
    """
    texts = checked_pieces(text, stream.split)
    with transaction.atomic():
        if stream.pk is None:
            stream.state, stream.ended_at = Stream.State.DONE, stream.started_at
        elif Stream.objects.get(pk=stream.pk).live:
            raise Conflict(f"Stream {stream.name!r} is live: its text can be edited after its end.")
        else:
            stream.revision += 1
            Segment.objects.filter(stream=stream).delete()
        stream.pieces, stream.length = len(texts), len(text)
        stream.save()
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
    stream.refresh_from_db()


def recording(stream: Stream) -> Recording:
    """Return the whole of a finished stream, as it is now.

    Raises NoSuchStream when it was deleted, and Conflict while it is live.
    """
    texts: list[str] = []
    times: list[int] = []
    with transaction.atomic():
        # Locked, so that the pieces are those of the revision that they are said to be.
        now = Stream.objects.select_for_update().filter(pk=stream.pk).first()
        if now is None:
            raise NoSuchStream(stream.name)
        if now.live:
            raise Conflict(f"Stream {now.name!r} is live: it can be replayed after its end.")
        for segment in Segment.objects.filter(stream=now).order_by("first"):
            texts += cut(segment)
            times += unpack(segment.times)
    return Recording(now, Pieces(0, tuple(texts), revision=now.revision), tuple(times))


def text_of(stream: Stream) -> str:
    """Return the text so far."""
    return "".join(
        Segment.objects.filter(stream=stream).order_by("first").values_list("text", flat=True)
    )


def cut(segment: Segment) -> list[str]:
    """Return a segment's pieces."""
    text = segment.text
    return [
        text[start:stop] for start, stop in pairwise(accumulate(unpack(segment.lengths), initial=0))
    ]
