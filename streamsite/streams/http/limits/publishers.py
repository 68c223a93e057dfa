"""The requests and new streams of a publisher, and the wrong tokens of a client.

A publisher counts twice: as its token, and as the user who owns the token. A user gains nothing by
a second token.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest

from ...conf import setting
from ...refusals import NEW_STREAMS, PUBLISHES, TOKENS, too_many
from ...tokens import PublishToken
from ..clients import client_of, network_of
from ..policy import User
from .rates import Rates

MINUTE = 60
# Tokens that the process remembers as right.
RIGHT_TOKENS = 1_000

_publishes = Rates()
_new_streams = Rates()
_wrong_tokens = Rates()
# The digests of the tokens that were right, the latest last.
_right: OrderedDict[str, None] = OrderedDict()


def count_publish(publisher: PublishToken | User) -> None:
    """Count a request of a publisher. Raises TooMany above STREAM_MAX_PUBLISHES a second."""
    most = setting("STREAM_MAX_PUBLISHES")
    if most is None:
        return
    for who, key in _identities(publisher):
        # Two seconds' requests may come at once.
        if wait := _publishes.take(key, most=2 * most, seconds=2):
            raise too_many(
                PUBLISHES,
                f"This {who} publishes more than {most} times a second. "
                "Send several pieces with one request.",
                seconds=wait,
            )


def count_new_stream(publisher: PublishToken | User) -> None:
    """Count a stream that a publisher creates. Raises TooMany above STREAM_MAX_NEW_STREAMS."""
    most = setting("STREAM_MAX_NEW_STREAMS")
    if most is None:
        return
    for who, key in _identities(publisher):
        if wait := _new_streams.take(key, most=most, seconds=MINUTE):
            raise too_many(
                NEW_STREAMS,
                f"This {who} has created {most} streams within a minute, as many as one may.",
                seconds=wait,
            )


def _identities(publisher: PublishToken | User) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Yield the identities under which a publisher is counted, each as words and as a key."""
    if not isinstance(publisher, PublishToken):
        yield "user", ("user", publisher.pk)
        return
    yield "token", ("token", publisher.pk)
    if publisher.owner_id is not None:
        yield "token's owner", ("user", publisher.owner_id)


def check_wrong_tokens(request: HttpRequest) -> None:
    """Raise TooMany, without a look at the database, for a token that is most likely wrong.

    A token is most likely wrong if its address has sent STREAM_MAX_WRONG_TOKENS wrong ones within a
    minute, unless the token itself was right before. A publisher that shares its address with
    somebody who guesses tokens therefore goes on. A publisher that begins there waits for a few
    seconds.
    """
    most = setting("STREAM_MAX_WRONG_TOKENS")
    if most is None or _digest(request) in _right:
        return
    if wait := _wrong_tokens.wait(_network(request), most=most, seconds=MINUTE):
        raise too_many(
            TOKENS, f"This address has sent {most} wrong tokens within a minute.", seconds=wait
        )


def count_token(request: HttpRequest, *, right: bool) -> None:
    """Note whether the token of a request was right."""
    digest, most = _digest(request), setting("STREAM_MAX_WRONG_TOKENS")
    if right:
        _right[digest] = None
        _right.move_to_end(digest)
        if len(_right) > RIGHT_TOKENS:
            _right.popitem(last=False)
    else:
        _right.pop(digest, None)  # The token was revoked.
        if most is not None and (network := _network(request)):
            _wrong_tokens.take(network, most=most, seconds=MINUTE)


def _digest(request: HttpRequest) -> str:
    # Not the header itself, so that no token stays in memory.
    return PublishToken.hashed(request.headers.get("Authorization", ""))


def _network(request: HttpRequest) -> str:
    return network_of(client_of(request))
