"""Admissions: viewers who are connected, and whether they still may watch.

A viewer is admitted when the connection begins, and may lose the right while it is open: the user
is deactivated or logs out, a viewer link expires, or the stream is made private. Each process
therefore asks again every `PERIOD` seconds. A viewer who may not watch any more gets nothing more,
and is refused when it comes back.

The cost has a bound. One query reads all streams that are watched. For the streams that everybody
may watch there is nothing else to ask. For the others the policy is asked once for each stream and
credentials, however many connections bring them. The questions take at most a part of the time of
the database thread: with very many viewers of private streams, the period grows.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from ..errors import StreamError, TooMany, Unauthorized, Unseen
from ..log.database import in_database
from ..log.outages import outage
from ..loops import PerLoop, start_apart
from ..models import Stream
from .access import is_known, login_required
from .links import PARAMETER
from .policy import policy
from .sessions import Request

logger = logging.getLogger(__name__)

# Seconds between two checks of all viewers.
PERIOD = 4.0
# Headers that say nothing about who sends the request.
OF_ONE_CONNECTION = ("Sec-Websocket-Key", "Last-Event-Id")
# Streams in one query, and questions to the policy in one turn of the database thread.
STREAMS = 500
QUESTIONS = 25
# The part of the database thread's time that the questions may take.
SHARE = 0.2


# Returns whether a request may watch a stream. Runs in the database thread.
Rule = Callable[[HttpRequest, Stream], bool]


class Admission:
    """A viewer on one connection: which stream it watches, and with which request it came.

        StreamRequest(stream, Cursor(), None, Admission(request, stream))

    The policy says whether the viewer still may watch. An app that shows its streams by a rule of
    its own passes the rule as `rule`. Pass a function of a module and no lambda: viewers with the
    same rule and the same credentials are asked about once.

    `lost` is the error with which the viewer lost the right to watch, or None. `on_lost` is called
    with the error, so that the connection ends at once.
    """

    __slots__ = ("_kind", "_match", "_source", "lost", "on_lost", "rule", "stream_id")

    def __init__(self, request: HttpRequest, stream: Stream, rule: Rule | None = None) -> None:
        self.stream_id = stream.pk
        self.rule = rule
        self.lost: StreamError | None = None
        self.on_lost: Callable[[StreamError], object] | None = None
        self._match = request.resolver_match
        # A server keeps the scope while the connection is open. The request would take kilobytes.
        self._kind = type(request) if isinstance(request, Request) else None
        self._source: Any = request.scope if isinstance(request, Request) else request

    def request(self) -> HttpRequest:
        """Return the viewer's request as if it came now: its user is looked up anew."""
        if self._kind is None:
            return self._source  # type: ignore[no-any-return]
        request = self._kind(self._source, BytesIO())
        request.resolver_match = self._match
        return request

    @property
    def needs_login(self) -> bool:
        return login_required(self._match)

    def end(self, error: StreamError) -> None:
        """Take the right to watch from the viewer."""
        self.lost = error
        if self.on_lost is not None:
            self.on_lost(error)


class Question:
    """Whether the viewers with the same credentials may still watch a stream."""

    def __init__(self, request: HttpRequest, stream: Stream, admission: Admission) -> None:
        self.request = request
        self.stream = stream
        self.asked_by = [admission]
        self._needs_login = admission.needs_login
        self._rule = admission.rule

    def answer(self) -> StreamError | None:
        """Return the error with which the viewers are refused, or None if they may watch."""
        rules = policy()
        try:
            if self._needs_login and not is_known(self.request):
                return Unauthorized("Log in first.")
            if self._rule is not None:
                may_watch = self._rule(self.request, self.stream)
            else:
                may_watch = rules.is_open(self.stream) or rules.may_watch(self.request, self.stream)
            if may_watch:
                return None
        except TooMany:
            return None  # A limit refuses the client, which says nothing about this stream.
        except StreamError as error:
            return error
        return Unseen(self.stream.name)


class Admissions:
    """The viewers of one event loop, and the task that asks again whether they may watch."""

    def __init__(self) -> None:
        self._open: set[Admission] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, admission: Admission) -> None:
        """Ask again for a viewer, until `discard`."""
        self._open.add(admission)
        if self._task is None:
            self._task = start_apart(self._run())

    def discard(self, admission: Admission) -> None:
        self._open.discard(admission)

    async def _run(self) -> None:
        while self._open:
            await asyncio.sleep(PERIOD)
            try:
                await self.check()
            except Exception as error:
                if not outage.tell(error):
                    logger.exception("Asking whether viewers still may watch failed.")
        self._task = None

    async def check(self) -> None:
        """End the connections of the viewers who may not watch any more."""
        watched: dict[int, list[Admission]] = defaultdict(list)
        for admission in self._open:
            watched[admission.stream_id].append(admission)
        streams = list(watched.items())
        for start in range(0, len(streams), STREAMS):
            await self._ask(await in_database(_questions, dict(streams[start : start + STREAMS])))

    async def _ask(self, questions: Sequence[Question]) -> None:
        loop = asyncio.get_running_loop()
        for start in range(0, len(questions), QUESTIONS):
            part = questions[start : start + QUESTIONS]
            began = loop.time()
            for question, error in zip(part, await in_database(_answers, part), strict=True):
                if error is not None:
                    for admission in self._open.intersection(question.asked_by):
                        admission.end(error)
            await asyncio.sleep((loop.time() - began) * (1 / SHARE - 1))


admissions = PerLoop(Admissions)


def _questions(watched: Mapping[int, Iterable[Admission]]) -> list[Question]:
    """Return the questions about the viewers of these streams, which are given by their ids."""
    rules = policy()
    found: dict[Any, Question] = {}
    # One request for all streams of a user, so that the user is looked up once.
    requests: dict[Any, HttpRequest] = {}
    for stream in Stream.objects.filter(pk__in=watched):
        is_open = rules.is_open(stream)
        for admission in watched[stream.pk]:
            if is_open and admission.rule is None and not admission.needs_login:
                continue
            request = admission.request()
            if rules.is_usual:
                credentials = _credentials(request)
                request = requests.setdefault(credentials, request)
            else:
                credentials = _all_of(request)
            key = stream.pk, admission.rule, credentials
            if key in found:
                found[key].asked_by.append(admission)
            else:
                found[key] = Question(request, stream, admission)
    return list(found.values())


def _credentials(request: HttpRequest) -> Any:
    """Return what the default policy and a demand for a login look at."""
    return (
        request.COOKIES.get(settings.SESSION_COOKIE_NAME),
        request.GET.get(PARAMETER),
        request.headers.get("Authorization"),
    )


def _all_of(request: HttpRequest) -> Any:
    """Return what a policy of the project may look at, without what differs for each connection."""
    headers = [item for item in request.headers.items() if item[0] not in OF_ONE_CONNECTION]
    query = [item for item in request.GET.lists() if item[0] != "after"]
    return request.META.get("REMOTE_ADDR"), repr(query), frozenset(headers)


def _answers(questions: Sequence[Question]) -> list[StreamError | None]:
    return [question.answer() for question in questions]
