"""The session of a request that no middleware has seen."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


def session_of(cookies: Mapping[str, str]) -> Any:
    """Return the session that these cookies name, which is read when it is asked for something."""
    store = import_string(f"{settings.SESSION_ENGINE}.SessionStore")
    return store(cookies.get(settings.SESSION_COOKIE_NAME))
