"""The session and the user of a request that has not passed through Django's middleware."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest, parse_cookie
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import import_string


def session_of(cookies: Mapping[str, str]) -> Any:
    """Return the session of these cookies.

    The session is lazy: Django reads it from its store when the first value is asked for.
    """
    store = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
    return store(cookies.get(settings.SESSION_COOKIE_NAME))


def user_of(scope: Any) -> AbstractBaseUser | AnonymousUser:
    """Return the user of the session cookie in an ASGI scope.

    The user is lazy: the first access reads the session and the user, which may query the database.
    Make that access in the database thread, with `in_database`.
    """
    return SimpleLazyObject(partial(_read_user, scope))  # type: ignore[return-value]


def _read_user(scope: Any) -> AbstractBaseUser | AnonymousUser:
    request = HttpRequest()
    cookies = parse_cookie(dict(scope["headers"]).get(b"cookie", b"").decode("latin1"))
    request.session = session_of(cookies)
    return get_user(request)
