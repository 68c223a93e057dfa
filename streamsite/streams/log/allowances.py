"""How many streams a publisher may have live at once, counted in the database for all processes."""

from django.utils import timezone

from ..conf import setting
from ..models import Stream
from ..refusals import STREAMS, too_many

# Seconds after which a publisher may try again. A stream may end at any time.
RETRY = 5


def check_live(*, token_id: int | None, owner_id: int | None) -> None:
    """Raise TooMany where a token, or the user `owner_id`, has too many live streams.

    Called in the transaction that has created one more, which the error undoes. Transactions that
    are committed at the same time don't see each other's streams on PostgreSQL, so each process
    beyond the first may add one stream to the limit.
    """
    most = setting("STREAM_MAX_LIVE_STREAMS")
    if most is None:
        return
    # The stream of a dead producer, which is about to be ended, does not count.
    live = Stream.objects.live().filter(leased_until__gt=timezone.now())
    for who, key, value in (
        ("token", "token_id", token_id),
        ("user", "owner_id", owner_id),
    ):
        if value is not None and live.filter(**{key: value}).count() > most:
            raise too_many(
                STREAMS,
                f"This {who} has {most} live streams, as many as one may. End one.",
                seconds=RETRY,
            )
