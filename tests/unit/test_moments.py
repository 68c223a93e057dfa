"""When the pieces of a stream came, by a clock that does not jump."""

from datetime import UTC, datetime, timedelta

import pytest

from streamsite.streams.models import Stream
from streamsite.streams.writing import moments as module
from streamsite.streams.writing.moments import LONGEST, Moments

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class Clocks:
    """A wall clock, and a clock that never goes back."""

    def __init__(self) -> None:
        self.steady = 100.0
        self.wall = BEGAN

    def pass_by(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += timedelta(seconds=seconds)

    def moments(self) -> Moments:
        return Moments(lambda: self.steady, lambda: self.wall)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def stream() -> Stream:
    return Stream(pk=7, started_at=BEGAN)


def test_a_stream_is_measured_by_the_clock_that_does_not_jump(clocks: Clocks, stream: Stream):
    moments = clocks.moments()
    assert moments.passed(stream) is None
    moments.meet(stream, 0)
    for jump in (2, -4):
        clocks.wall += timedelta(days=jump)
        clocks.pass_by(1.5)
    assert moments.passed(stream) == 3000


def test_another_process_goes_on_where_the_stream_is(clocks: Clocks, stream: Stream):
    clocks.pass_by(20)
    moments = clocks.moments()
    moments.meet(stream, 18_000)
    assert moments.passed(stream) == 20_000


@pytest.mark.parametrize(("jump", "passed"), [(2, 18_000 + LONGEST * 1000), (-2, 18_000)])
def test_a_jump_between_two_processes_is_no_gap_and_no_way_back(
    clocks: Clocks, stream: Stream, jump: int, passed: int
):
    clocks.pass_by(20)
    clocks.wall += timedelta(days=jump)
    moments = clocks.moments()
    moments.meet(stream, 18_000)
    assert moments.passed(stream) == passed


def test_a_process_forgets_streams_that_are_long_over(
    clocks: Clocks, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "MOST", 2)
    moments = clocks.moments()
    streams = [Stream(pk=pk, started_at=BEGAN) for pk in range(3)]
    for stream in streams:
        moments.meet(stream, 0)
    assert [moments.passed(stream) for stream in streams] == [None, 0, 0]
