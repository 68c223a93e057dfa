"""What a refused client is told, and the checks of the settings that are numbers."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamsite.streams.quantities import check_numbers, is_number
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


@pytest.mark.parametrize("value", [None, True, "10", math.nan, math.inf, -1, []])
@pytest.mark.parametrize("name", ["STREAM_STALL_TIMEOUT", "STREAM_GRACE"])
def test_a_time_that_is_no_number_is_found(settings, name: str, value: object):
    setattr(settings, name, value)
    (error,) = check_numbers()
    assert error.id == "streams.E013"
    assert error.msg.startswith(
        f"{name} is {value!r}. It must be a number of seconds, and at least"
    )


@given(st.one_of(st.integers(0, 10**9), st.floats(0, 10**9)))
def test_every_number_from_the_least_on_is_accepted(value: float):
    assert is_number(value, 0)
    assert not is_number(-1 - value, 0)
