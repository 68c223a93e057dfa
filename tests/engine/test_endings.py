"""After the block of a producer, its stream says how it ended."""

import hashlib
from datetime import datetime

import pytest

from tests.inside import endings
from tests.site import Site

from .publisher import Publisher, new_name

TEXT = "one zwei 🦊"
SHA256 = hashlib.sha256(TEXT.encode()).hexdigest()
REASONS = {
    "done": ["done", "", ""],
    "failed": ["failed", "The source failed.", "Broken: a secret"],
    "stopped": ["stopped", "Enough.", ""],
    "cancelled": ["interrupted", "The producer was told to end.", ""],
}
BLOCKS = {
    "async with": endings.in_async_block,
    "with": endings.in_plain_block,
    "start": endings.after_start,
}


@pytest.mark.parametrize(
    ("block", "how"),
    [
        *((block, how) for block in BLOCKS for how in ("done", "failed", "stopped")),
        ("async with", "cancelled"),
    ],
)
def test_after_the_block_the_stream_says_how_it_ended(
    backend_site: Site, publisher: Publisher, block: str, how: str
):
    known, stored = publisher.call(BLOCKS[block], new_name("ended"), how)
    assert known == stored
    assert known[:6] == [*REASONS[how], 2, len(TEXT), SHA256]
    assert datetime.fromisoformat(known[6])


def test_a_stream_that_was_edited_after_its_end_has_the_edited_text(
    backend_site: Site, publisher: Publisher
):
    known, stored = publisher.call(endings.in_async_block, new_name("ended"), "edited")
    assert known == stored
    assert known[4:6] == [len("edited"), hashlib.sha256(b"edited").hexdigest()]


def test_a_stream_that_was_taken_over_is_live(backend_site: Site, publisher: Publisher):
    name = new_name("ended")
    assert publisher.call(endings.after_takeover, name) == ["live", "done"]


def test_a_stream_that_was_deleted_has_failed(backend_site: Site, publisher: Publisher):
    state, reason = publisher.call(endings.after_deletion, new_name("ended"))
    assert (state, reason) == ("failed", "The stream was deleted.")


def test_the_reserved_stream_says_how_it_ended(backend_site: Site, publisher: Publisher):
    known, stored = publisher.call(endings.after_reservation, new_name("ended"))
    assert known == stored
    assert known[0] == "done"
