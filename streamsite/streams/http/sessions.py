"""Requests that have not passed through Django's middleware, with their session and user."""

from functools import partial
from io import BytesIO
from typing import Any

from django.conf import settings
from django.contrib.auth import aget_user, get_user
from django.core.exceptions import SuspiciousOperation
from django.core.handlers.asgi import ASGIRequest
from django.http import parse_cookie
from django.utils.functional import SimpleLazyObject, cached_property
from django.utils.module_loading import import_string

from ..errors import BadRequest
from .origins import is_foreign


class Request(ASGIRequest):
    """A request whose session and user are read when a view asks for them.

    A request of a page from a foreign origin has no cookies, so that a page of another site does
    not act as the visitor. See `is_foreign`.

    `receive` is the ASGI function that gives the body (see `read_late`), and then the news that the
    client has left (see `while_connected`).
    """

    receive: Any = None

    @cached_property
    def COOKIES(self) -> dict[str, str]:  # type: ignore[override]  # noqa: N802 - Django's name
        return {} if is_foreign(self) else parse_cookie(self.META.get("HTTP_COOKIE", ""))

    @cached_property
    def session(self) -> Any:  # type: ignore[override]
        # Django reads the session from its store when the first value is asked for.
        store = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
        return store(self.COOKIES.get(settings.SESSION_COOKIE_NAME))

    @property
    def changed_session(self) -> bool:
        """Whether a view changed the session, so that the session is to be saved."""
        session = vars(self).get("session")  # Without reading a session that no view asked for.
        return session is not None and session.modified

    @cached_property
    def user(self) -> Any:  # type: ignore[override]
        # The first access reads the session and the user, which may query the database.
        return SimpleLazyObject(partial(get_user, self))

    async def auser(self) -> Any:
        return await aget_user(self)


class Handshake(Request):
    """The request with which a client opens a WebSocket."""


def handshake_request(scope: Any) -> Handshake:
    """Return the handshake of a WebSocket as a request, given the ASGI scope of the WebSocket.

    Raises BadRequest if the URL is not valid.
    """
    scheme = "https" if scope.get("scheme") == "wss" else "http"
    try:
        request = Handshake({**scope, "method": "GET", "scheme": scheme}, BytesIO())
        request.GET  # noqa: B018 - parses the query
    except UnicodeDecodeError:
        raise BadRequest("The URL is not valid. Encode it as UTF-8.") from None
    except SuspiciousOperation as error:
        raise BadRequest(f"{error}") from None
    request.resolver_match = scope.get("resolver_match")
    return request
