"""Jumps of the database's clock, on two clocks that the test moves."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from streamsite.streams.log import liveness
from streamsite.streams.log.jumps import AHEAD, BACK, Jumps
from streamsite.streams.log.silence import GRACE, Silence

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
TWO_DAYS = 2 * 24 * 3600.0
LEASE = 60.0


class Clocks:
    """The clock of a process, and the clock of the database, which can jump."""

    def __init__(self) -> None:
        self.here = 1000.0
        self.now = NOON
        self.leases: dict[int, datetime] = {}
        self.jumps = Jumps(lambda: self.here)
        self.look()

    def pass_by(self, seconds: float, *, jump: float = 0) -> None:
        self.here += seconds
        self.now += timedelta(seconds=seconds + jump)

    def lease(self, stream: int, seconds: float = LEASE) -> datetime:
        self.leases[stream] = self.now + timedelta(seconds=seconds)
        return self.leases[stream]

    def look(self) -> bool:
        return self.jumps.look(self.now, lambda: self.leases)


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.mark.parametrize("drift", [-30.0, -0.5, 0.0, 0.5])
def test_a_clock_that_drifts_has_not_jumped(clocks: Clocks, drift: float):
    lease = clocks.lease(7)
    clocks.pass_by(2, jump=drift)
    assert not clocks.look()
    assert not clocks.jumps.runs_on(7, lease)


@pytest.mark.parametrize("within", [10.0, LEASE, 600.0])
def test_a_lease_from_before_a_jump_lasts_as_long_as_it_would_have(clocks: Clocks, within: float):
    lease = clocks.lease(7, within)
    clocks.pass_by(2, jump=TWO_DAYS)
    assert clocks.look()
    assert lease < clocks.now
    clocks.pass_by(within - 3)
    assert clocks.jumps.runs_on(7, lease)
    clocks.pass_by(2)
    assert not clocks.jumps.runs_on(7, lease)


def test_a_lease_from_after_a_jump_ends_by_the_new_clock(clocks: Clocks):
    clocks.pass_by(1, jump=TWO_DAYS)
    lease = clocks.lease(7)
    clocks.pass_by(1)
    assert clocks.look()
    assert not clocks.jumps.runs_on(7, lease)


def test_a_lease_that_had_run_out_before_the_jump_stays_so(clocks: Clocks):
    lease = clocks.lease(7, -10)
    clocks.pass_by(2, jump=TWO_DAYS)
    clocks.look()
    assert not clocks.jumps.runs_on(7, lease)


def test_a_clock_that_is_set_back_keeps_no_dead_producer_alive(clocks: Clocks):
    lease = clocks.lease(7)
    clocks.pass_by(2, jump=-TWO_DAYS)
    assert clocks.look()
    assert clocks.jumps.ended() == {}
    clocks.pass_by(LEASE)
    assert clocks.jumps.ended() == {7: lease}
    clocks.pass_by(2 * BACK)
    assert clocks.jumps.ended() == {}


def test_a_process_that_has_long_not_looked_tells_the_leases_from_before_and_after_a_jump(
    clocks: Clocks,
):
    clocks.pass_by(5 * TWO_DAYS)
    lease = clocks.lease(7)
    clocks.pass_by(1, jump=-BACK - 10)
    clocks.lease(8, BACK)
    clocks.pass_by(1)
    assert clocks.look()
    assert clocks.jumps.ended() == {}
    clocks.pass_by(LEASE - 1)
    assert clocks.jumps.ended() == {7: lease}


def test_two_jumps_in_a_row_do_not_make_a_lease_longer(clocks: Clocks):
    lease = clocks.lease(7)
    for _ in range(2):
        clocks.pass_by(2, jump=TWO_DAYS)
        assert clocks.look()
    assert clocks.jumps.runs_on(7, lease)
    clocks.pass_by(LEASE)
    assert not clocks.jumps.runs_on(7, lease)


def test_a_look_that_takes_long_proves_no_death_and_leaves_the_jump_to_the_next_look(
    clocks: Clocks, monkeypatch: pytest.MonkeyPatch
):
    lease = clocks.lease(7)
    clocks.pass_by(2, jump=TWO_DAYS)
    silence, moments = Silence(lambda: clocks.here), iter([0.0, AHEAD])
    monkeypatch.setattr(liveness, "silence", silence)
    monkeypatch.setattr(liveness, "jumps", clocks.jumps)
    monkeypatch.setattr(liveness, "time", SimpleNamespace(monotonic=lambda: next(moments)))
    monkeypatch.setattr(liveness, "database_clock", lambda: clocks.now)
    liveness.look_at_clock()
    assert not silence.steady(GRACE)
    clocks.pass_by(2)
    assert clocks.look()
    assert clocks.jumps.runs_on(7, lease)
