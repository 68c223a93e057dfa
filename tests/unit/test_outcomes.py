"""How a stream ends after its block."""

import asyncio

from streamsite.streams import Failed
from streamsite.streams.writing.outcomes import outcome_of


def test_viewers_read_the_reason_of_a_source_that_names_one():
    outcome = outcome_of(Failed("The weather service does not answer."))
    assert outcome == ("failed", "The weather service does not answer.", "")


def test_viewers_learn_nothing_of_another_exception():
    outcome = outcome_of(ValueError("https://user:secret@example.com"))
    assert outcome.reason == "The source failed."
    assert outcome.failure == "ValueError: https://user:secret@example.com"


def test_a_cancelled_source_is_interrupted():
    assert outcome_of(asyncio.CancelledError()).state == "interrupted"
