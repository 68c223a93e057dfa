"""How many live streams a publisher may have: counted in the database."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from streamsite.streams import PublishToken, Stream, publish
from streamsite.streams.errors import TooMany
from streamsite.streams.log.allowances import check_live
from streamsite.streams.testing_plugin import streams  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("streams")]


@pytest.fixture
def live(settings):
    """Publish three streams, two of them with one owner and one token, inside the test."""
    settings.STREAM_MAX_LIVE_STREAMS = 1
    owner = User.objects.create_user("owner")
    token = PublishToken.objects.create(label="token", owner=owner)
    with ExitStack() as stack:
        for name in ("one", "two", "three"):
            stack.enter_context(publish(name))
        Stream.objects.exclude(name="three").update(owner=owner, token=token)
        yield owner, token


def test_a_token_and_its_owner_may_have_so_many_live_streams(live, settings):
    owner, token = live
    with pytest.raises(TooMany, match="This token has 1 live streams") as refused:
        check_live(token_id=token.pk, owner_id=owner.pk)
    assert refused.value.retry_after == 5
    with pytest.raises(TooMany, match="This user has 1 live streams"):
        check_live(token_id=None, owner_id=owner.pk)
    check_live(token_id=None, owner_id=None)
    settings.STREAM_MAX_LIVE_STREAMS = 2
    check_live(token_id=token.pk, owner_id=owner.pk)
    settings.STREAM_MAX_LIVE_STREAMS = None
    check_live(token_id=token.pk, owner_id=owner.pk)


def test_streams_that_have_ended_and_those_of_dead_producers_do_not_count(live):
    owner, token = live
    past = timezone.now() - timedelta(seconds=1)
    Stream.objects.filter(name="one").update(leased_until=past)
    check_live(token_id=token.pk, owner_id=owner.pk)
