"""When the silence of a producer counts: outages, told by a clock that the test moves."""

from streamsite.streams.log.silence import GRACE, Silence


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_an_expired_lease_proves_a_death_while_the_database_is_steady():
    assert Silence(Clock()).proven({7: "noon", 8: "one"}) == [7, 8]


def test_after_an_outage_producers_get_time_to_renew_their_leases():
    clock = Clock()
    silence = Silence(clock)
    silence.outage()
    assert silence.proven({7: "noon"}) == []
    clock.now += GRACE
    assert silence.proven({7: "noon"}) == []


def test_a_producer_that_stays_silent_after_an_outage_is_dead():
    clock = Clock()
    silence = Silence(clock)
    silence.outage()
    clock.now += GRACE + 0.1
    assert silence.proven({7: "noon"}) == [7]


def test_during_repeated_outages_a_lease_that_never_changes_still_proves_a_death():
    clock = Clock()
    silence = Silence(clock)
    for _ in range(4):
        silence.outage()
        dead = silence.proven({7: "noon"})
        clock.now += GRACE / 2
    assert dead == [7]


def test_a_lease_that_expired_while_nobody_could_write_proves_nothing():
    clock = Clock()
    silence = Silence(clock)
    silence.refused()
    assert silence.unwritable
    silence.proven({7: "noon"})
    clock.now += GRACE + 0.1
    silence.written()
    assert not silence.unwritable
    assert silence.proven({7: "noon"}) == []
    clock.now += GRACE + 0.1
    assert silence.proven({7: "noon"}) == [7]


def test_a_lease_that_was_renewed_in_the_meantime_is_observed_anew():
    clock = Clock()
    silence = Silence(clock)
    for expiry in ("noon", "one", "two", "three"):
        silence.outage()
        assert silence.proven({7: expiry}) == []
        clock.now += GRACE - 0.1


def test_looking_at_one_stream_forgets_nothing_about_the_others():
    clock = Clock()
    silence = Silence(clock)
    silence.outage()
    silence.proven({7: "noon", 8: "noon"})
    clock.now += GRACE / 2
    silence.outage()
    silence.proven({8: "noon"})
    clock.now += GRACE / 2 + 0.1
    silence.outage()
    assert silence.proven({7: "noon"}) == [7]
