"""What a refused client is told."""

from hypothesis import given
from hypothesis import strategies as st

from streamsite.streams.refusals import POLLS, too_many


@given(st.floats(0, 100_000))
def test_whoever_comes_back_when_told_is_not_too_early(seconds: float):
    error = too_many(POLLS, "Too often.", seconds=seconds)
    assert error.status == 429
    assert error.close_code == 4429
    assert error.retry_after >= max(1, seconds)
    assert error.retry_after - seconds <= 1
    # A WebSocket has no Retry-After, so the sentence says the same.
    assert error.detail == f"Too often. Try again in {error.retry_after} s."
