"""The limits of clients and publishers: what counts, and what the refused are told."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import RequestFactory

from streamsite.streams import PublishToken
from streamsite.streams.errors import TooMany
from streamsite.streams.http.limits import polls, publishers, rates, viewers

ADDRESS, OTHER = "203.0.113.7", "203.0.113.8"


@pytest.fixture(autouse=True)
def anew(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fill all buckets. No token comes back during a test, however busy the machine is."""
    settings.STREAM_TRUSTED_PROXIES = []
    rates.forget_all()
    for each in list(rates._all):
        monkeypatch.setattr(each, "_clock", lambda: 1000.0)
    yield
    rates.forget_all()


# Viewers.


@contextmanager
def viewer(address: str, *headers: tuple[bytes, bytes]) -> Iterator[None]:
    """Be a viewer who comes from an address."""
    scope = {"client": (address, 1) if address else None, "headers": headers}
    viewers.enter(scope)
    try:
        yield
    finally:
        viewers.leave(scope)
        viewers.leave(scope)  # A second time changes nothing.


def test_an_address_has_so_many_viewers_and_each_that_leaves_makes_room(settings):
    settings.STREAM_MAX_VIEWERS_PER_CLIENT = 3
    for _ in range(2):
        with ExitStack() as stack:
            for _ in range(3):
                stack.enter_context(viewer(ADDRESS))
            with pytest.raises(TooMany, match="This address has 3 requests open") as refused:
                stack.enter_context(viewer(ADDRESS))
            assert refused.value.retry_after == viewers.RETRY
            assert refused.value.detail.endswith("Try again in 5 s.")
            stack.enter_context(viewer(OTHER))
    with viewer(ADDRESS):
        pass


def test_a_process_has_so_many_viewers_whatever_their_addresses(settings):
    settings.STREAM_MAX_VIEWERS = 2
    with ExitStack() as stack:
        stack.enter_context(viewer(ADDRESS))
        stack.enter_context(viewer(OTHER))
        with pytest.raises(TooMany, match="The server has 2 viewers"):
            stack.enter_context(viewer("203.0.113.9"))
    with viewer(ADDRESS), viewer(OTHER):
        pass


def test_viewers_without_an_address_count_for_the_process_alone(settings):
    settings.STREAM_MAX_VIEWERS_PER_CLIENT = 1
    settings.STREAM_MAX_VIEWERS = 3
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(viewer(""))
        with pytest.raises(TooMany, match="The server has 3 viewers"):
            stack.enter_context(viewer(""))


def test_without_limits_nobody_is_refused(settings):
    settings.STREAM_MAX_VIEWERS = settings.STREAM_MAX_VIEWERS_PER_CLIENT = None
    with ExitStack() as stack:
        for _ in range(2000):
            stack.enter_context(viewer(ADDRESS))


def test_behind_a_trusted_proxy_each_client_counts_alone(settings):
    settings.STREAM_MAX_VIEWERS_PER_CLIENT = 1
    settings.STREAM_TRUSTED_PROXIES = ["127.0.0.1"]

    def behind(address: str) -> Any:
        return viewer("127.0.0.1", (b"x-forwarded-for", address.encode()))

    with behind(ADDRESS), behind(OTHER), behind("2001:db8::1"):
        for address in (ADDRESS, "2001:db8::2"):  # Both addresses of IPv6 are of one network.
            with pytest.raises(TooMany), behind(address):
                pass


# Polls.


def poll(address: str) -> str:
    return polls.count_poll(RequestFactory(REMOTE_ADDR=address).get("/polling"))


def test_an_address_polls_so_many_times_a_second(settings):
    settings.STREAM_MAX_POLLS_PER_CLIENT = 1
    # The polls of two seconds may come at once.
    assert [poll(ADDRESS), poll(ADDRESS)] == [ADDRESS, ADDRESS]
    with pytest.raises(TooMany, match="polls more than 1 times a second") as refused:
        poll(ADDRESS)
    assert refused.value.retry_after == 1
    assert poll(OTHER) == OTHER
    settings.STREAM_MAX_POLLS_PER_CLIENT = None
    assert poll(ADDRESS) == ADDRESS


async def test_the_limit_of_polls_can_stand_before_any_view(settings):
    settings.STREAM_MAX_POLLS_PER_CLIENT = 1

    @polls.limit_polls
    async def view(request: Any, name: str) -> HttpResponse:
        return HttpResponse(name)

    request = RequestFactory(REMOTE_ADDR=ADDRESS).get("/polling")
    for _ in range(2):
        assert (await view(request, "build")).content == b"build"
    with pytest.raises(TooMany):
        await view(request, "build")


# Publishers.


def test_a_publisher_counts_as_its_token_and_as_the_owner_of_the_token(settings):
    settings.STREAM_MAX_PUBLISHES = 1
    settings.STREAM_MAX_NEW_STREAMS = 2
    for count, says in (
        (publishers.count_publish, "publishes more than 1 times a second"),
        (publishers.count_new_stream, "has created 2 streams within a minute"),
    ):
        first, second = (PublishToken(pk=number, owner_id=7) for number in (1, 2))
        count(first)
        count(first)
        with pytest.raises(TooMany, match=f"This token {says}"):
            count(first)
        # The owner gains nothing by a second token, or by a login.
        with pytest.raises(TooMany, match=f"This token's owner {says}"):
            count(second)
        with pytest.raises(TooMany, match=f"This user {says}"):
            count(User(pk=7))
        count(PublishToken(pk=3))
        count(User(pk=8))


def test_who_creates_streams_too_quickly_is_told_when_the_next_may_come(settings):
    settings.STREAM_MAX_NEW_STREAMS = 2
    publisher = User(pk=7)
    publishers.count_new_stream(publisher)
    publishers.count_new_stream(publisher)
    with pytest.raises(TooMany) as refused:
        publishers.count_new_stream(publisher)
    assert refused.value.retry_after == 30  # Two a minute.


def test_without_limits_publishers_go_on(settings):
    settings.STREAM_MAX_PUBLISHES = settings.STREAM_MAX_NEW_STREAMS = None
    settings.STREAM_MAX_WRONG_TOKENS = None
    for _ in range(2000):
        publishers.count_publish(User(pk=7))
        publishers.count_new_stream(User(pk=7))
        guess(ADDRESS, "wrong")


# Tokens.


def guess(address: str, token: str, *, right: bool = False) -> None:
    """Send a token, as the endpoints for publishing check it."""
    request = RequestFactory(REMOTE_ADDR=address).get("/", headers={"Authorization": token})
    publishers.check_wrong_tokens(request)
    publishers.count_token(request, right=right)


def test_an_address_that_guesses_tokens_is_refused_and_right_publishers_there_go_on(settings):
    settings.STREAM_MAX_WRONG_TOKENS = 3
    guess(ADDRESS, "of a publisher", right=True)
    for number in range(3):
        guess(ADDRESS, f"guess {number}")
    with pytest.raises(TooMany, match="has sent 3 wrong tokens within a minute") as refused:
        guess(ADDRESS, "one more")
    assert 1 <= refused.value.retry_after <= 20
    with pytest.raises(TooMany):
        guess(ADDRESS, "a right one that nobody knows yet", right=True)
    guess(ADDRESS, "of a publisher", right=True)
    guess(OTHER, "one more")


def test_a_token_that_was_revoked_is_a_wrong_one(settings):
    settings.STREAM_MAX_WRONG_TOKENS = 1
    guess(ADDRESS, "revoked", right=True)
    guess(ADDRESS, "revoked")
    with pytest.raises(TooMany):
        guess(ADDRESS, "revoked")


def test_the_process_remembers_the_latest_of_many_right_tokens(settings):
    settings.STREAM_MAX_WRONG_TOKENS = 1
    for number in range(publishers.RIGHT_TOKENS + 1):
        guess(ADDRESS, f"right {number}", right=True)
    guess(ADDRESS, "wrong")
    guess(ADDRESS, f"right {publishers.RIGHT_TOKENS}", right=True)
    with pytest.raises(TooMany):
        guess(ADDRESS, "right 0", right=True)
