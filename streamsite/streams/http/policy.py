"""The policy: who sends a request, and what they may watch, stop and publish."""

import inspect
from functools import lru_cache
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.module_loading import import_string

from ..conf import setting
from ..models import Stream
from ..querysets import StreamQuerySet
from ..tokens import PublishToken
from . import links

User = AbstractBaseUser | AnonymousUser


class Policy:
    """Who sends a request, and what they may do. The setting STREAM_POLICY names the class.

    The engine asks for each request on each transport and for each resume, for each stop and each
    request that publishes, and this site's pages ask for their lists and buttons. A project
    overrides what differs. With a JSON Web Token in place of the session:

        # shop/streams.py, with STREAM_POLICY = "shop.streams.ShopPolicy"
        from streamsite.streams import Policy

        class ShopPolicy(Policy):
            def user(self, request):
                scheme, _, token = request.headers.get("Authorization", "").partition(" ")
                if scheme != "Bearer":
                    return AnonymousUser()
                return User.objects.get(pk=jwt.decode(token, KEY, ["HS256"])["sub"])

    Each method runs in the engine's database thread, so it may query the database, and it must not
    be `async`. For a WebSocket, `request` is the handshake: its headers, its cookies and its query.
    A page of a foreign origin sends no cookies. A method may raise a `StreamError` in place of its
    answer, such as `Forbidden("Your trial has ended.")`.
    """

    def user(self, request: HttpRequest) -> User:
        """Return the user who sends the request, by default the user of the session.

        Do not read credentials here that browsers send by themselves, such as those of HTTP Basic
        authentication: a page of another site could stop a stream with them.
        """
        return request.user

    def publisher(self, request: HttpRequest, name: str) -> PublishToken | User | None:
        """Return who publishes the stream `name`, or None if the request may not publish it.

        By default this is the publisher token in the header `Authorization: Bearer <token>`. Where
        an override returns a user, the stream belongs to that user.
        """
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key.strip():
            return None
        return PublishToken.bearing(key.strip())

    def may_watch(self, request: HttpRequest, stream: Stream) -> bool:
        """Return whether the request may watch the stream.

        By default everybody may, except for a private stream: its owner, staff, and readers with a
        viewer link may watch a private stream. The engine calls the default for private streams
        only, and an override for all streams.
        """
        # A visitor with the right to watch needs no link, and may have an expired one.
        return stream.watchable_by(self.user(request)) or links.opens(request, stream.name)

    def may_stop(self, request: HttpRequest, stream: Stream) -> bool:
        """Return whether the user may stop the stream. By default its owner and staff may.

        A publisher token stops the streams that were published with the token, and those of the
        token's owner.

        In the admin, users with the change permission may stop streams. An override is asked there,
        too, and `request.user` is then the user of the session.
        """
        return stream.stoppable_by(self.user(request))

    def listed(self, request: HttpRequest) -> StreamQuerySet:
        """Return the streams that a list shows to the user.

        By default these are the public streams and the user's own, or all streams for staff.
        """
        return Stream.objects.visible_to(self.user(request))

    def is_open(self, stream: Stream) -> bool:
        """Return whether everybody may watch the stream, so that `may_watch` is not called.

        Most streams are open, and finding out who sends a request takes queries.
        """
        is_default = type(self).may_watch is Policy.may_watch
        return is_default and stream.visibility != Stream.Visibility.OWNER

    @property
    def is_usual(self) -> bool:
        """Whether `user`, `publisher` and `may_watch` are the defaults.

        These look only at the session's cookie, a viewer link and the header Authorization.
        """
        names = ("user", "publisher", "may_watch")
        return all(getattr(type(self), name) is getattr(Policy, name) for name in names)


def policy() -> Policy:
    """Return the policy of this project."""
    return _load(setting("STREAM_POLICY"))


def policy_problem(path: Any) -> str:
    """Return a sentence that describes the error of a STREAM_POLICY, or "" if there is none."""
    if not isinstance(path, str):
        return "The setting has to be a dotted path."
    try:
        found = import_string(path)
    except ImportError as error:
        return f"The import fails: {error}."
    if not (isinstance(found, type) and issubclass(found, Policy)):
        return "This is not a subclass of streamsite.streams.Policy."
    for name in vars(Policy):
        if inspect.iscoroutinefunction(getattr(found, name)):
            return f"Its method {name!r} is async. It runs in a thread: leave out `async`."
    return ""


@lru_cache
def _load(path: str) -> Policy:
    # Servers don't run the system checks, and the answer of an async method would always be true.
    if problem := policy_problem(path):
        raise ImproperlyConfigured(f"STREAM_POLICY is {path!r}. {problem}")
    return import_string(path)()  # type: ignore[no-any-return]
