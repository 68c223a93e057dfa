"""Encoded answers to polls, kept because many clients poll for the same one."""

from collections import OrderedDict
from typing import NamedTuple

from ...loops import PerLoop
from ...models import Stream
from ...pieces import Cursor

# Bytes of the answers that each event loop keeps.
ANSWERS_SIZE = 8 * 1024 * 1024
# Bytes that an answer takes beside its own, with its key.
ANSWER_SIZE = 500


class Key(NamedTuple):
    """What an answer depends on: the stream as far as it is known, and what the client asks for.

    Committed pieces change only by an edit, which makes a new revision. Whether the client may
    watch the stream is checked for each poll, before its answer is looked up.
    """

    stream_id: int
    revision: int
    pieces: int
    ended: bool
    after: Cursor
    limit: int

    @classmethod
    def of(cls, stream: Stream, after: Cursor, limit: int) -> "Key":
        """Return the key of the answer from the stream as the database has it."""
        return cls(stream.pk, stream.revision, stream.pieces, not stream.live, after, limit)


class Answer(NamedTuple):
    """The body of an answer, and how many pieces are in it."""

    body: bytes
    pieces: int


class Answers:
    """The answers of one event loop that were asked for last, up to `size` bytes.

        answers = Answers(size=1_000_000)
        answers.keep(key, Answer(b'{"pieces":[],"after":0,"state":"live"}', 0))
        answers.get(key)  # the same answer

    `get` returns None for a key that has no answer, or whose answer made room for others.
    """

    def __init__(self, size: int = ANSWERS_SIZE) -> None:
        self._most = size
        self._size = 0
        self._kept: OrderedDict[Key, Answer] = OrderedDict()

    def get(self, key: Key) -> Answer | None:
        answer = self._kept.get(key)
        if answer is not None:
            self._kept.move_to_end(key)
        return answer

    def keep(self, key: Key, answer: Answer) -> None:
        if key in self._kept:
            return
        self._kept[key] = answer
        self._size += len(answer.body) + ANSWER_SIZE
        while self._size > self._most:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest.body) + ANSWER_SIZE


answers = PerLoop(Answers)
