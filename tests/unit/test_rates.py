"""Rates: token buckets in bounded memory."""

import pytest

from streamsite.streams.http.clients import network_of
from streamsite.streams.http.limits.rates import Rates


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rates(clock: Clock) -> Rates:
    return Rates(size=100, clock=clock)


def taken(rates: Rates, key: str, *, most: int = 20, seconds: float = 60, tries: int = 100) -> int:
    """Return how many of the tries get a token."""
    return sum(not rates.take(key, most=most, seconds=seconds) for _ in range(tries))


@pytest.mark.parametrize(("most", "seconds"), [(20, 60), (1, 1), (1000, 2), (7, 3)])
def test_a_full_bucket_gives_so_many_tokens_at_once(rates: Rates, most: int, seconds: float):
    assert taken(rates, "a", most=most, seconds=seconds, tries=2 * most + 2) == most


def test_tokens_come_back_one_by_one_and_the_wait_says_when(rates: Rates, clock: Clock):
    taken(rates, "a")
    wait = rates.take("a", most=20, seconds=60)
    assert wait == pytest.approx(3)
    assert rates.wait("a", most=20, seconds=60) == pytest.approx(3)
    clock.now += wait
    assert rates.wait("a", most=20, seconds=60) == pytest.approx(0, abs=0.001)
    assert taken(rates, "a") == 1
    clock.now += 3600
    assert taken(rates, "a") == 20


def test_each_key_has_its_own_bucket(rates: Rates):
    taken(rates, "a")
    assert taken(rates, "b") == 20
    assert rates.wait("c", most=20, seconds=60) == 0


def test_many_keys_take_bounded_memory_and_the_latest_stay(rates: Rates):
    for number in range(10_000):
        taken(rates, f"{number}", tries=20)
        assert len(rates) <= 100
    assert taken(rates, "9999") == 0


def test_full_buckets_are_forgotten_first(rates: Rates, clock: Clock):
    taken(rates, "guesser", tries=20)
    clock.now += 30
    for number in range(99):
        rates.take(f"{number}", most=20, seconds=1)
    clock.now += 2
    rates.take("one more", most=20, seconds=60)
    assert len(rates) == 2
    assert taken(rates, "guesser") == 10


NETWORKS = {
    "203.0.113.7": "203.0.113.7",
    "::ffff:203.0.113.7": "203.0.113.7",
    "2001:db8:0:1:2:3:4:5": "2001:db8:0:1::",
    "2001:db8:0:1::": "2001:db8:0:1::",
    "::1": "::",
    "": "",
    "testclient": "testclient",
    "no:address": "no:address",
}


@pytest.mark.parametrize("client", NETWORKS)
def test_an_ipv4_address_and_a_64_of_ipv6_count_as_one_client(client: str):
    assert network_of(client) == NETWORKS[client]
