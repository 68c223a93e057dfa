"""The login of the admin: one at a time, and locked after wrong passwords.

A password's hash takes a core for 0.3 s. A hundred hashes at once, each in its request's thread,
left the event loop a fiftieth of two cores, so that polls waited for seconds. Here the next login
begins when the one before has ended. Logins that wait take no thread.

django-axes counts the wrong passwords in the database, for all processes. After LOGIN_FAILURES of
them a name is locked for its client's address, for LOGIN_COOL_OFF. Other names may log in from
there, and the name may log in from elsewhere. Who tries one password with many names meets another
limit: LOGIN_FAILURES_PER_ADDRESS locks the address for all names.
"""

import asyncio
import math
from collections import Counter
from typing import Any

from asgiref.sync import sync_to_async
from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _

from streamsite.streams.http.clients import client_of, network_of, warn_of_proxy
from streamsite.streams.loops import PerLoop
from streamsite.streams.refusals import too_many

# Logins that may be under way: from one client address, and from all.
MOST_OF_CLIENT = 10
MOST = 40
# Seconds in which MOST_OF_CLIENT logins have their turn.
BUSY_SECONDS = 5

_turn = PerLoop(asyncio.Lock)
_under_way: Counter[str] = Counter()


class Handler(AxesDatabaseHandler):
    """The failures of django-axes, which locks an address, too.

    A limit in `AXES_LOCKOUT_PARAMETERS` would be the same for a name and for an address, behind
    which may be a whole office.
    """

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Return how many logins have failed: enough for a lock if they did from this address."""
        failures: int = super().get_failures(request, credentials)
        from_here = AccessAttempt.objects.filter(
            ip_address=request.axes_ip_address, attempt_time__gte=get_cool_off_threshold(request)
        ).aggregate(failures=Sum("failures_since_start"))
        if (from_here["failures"] or 0) < settings.LOGIN_FAILURES_PER_ADDRESS:
            return failures
        request.address_locked = True
        if (
            "HTTP_X_FORWARDED_FOR" in request.META
            and client_of(request) == request.META["REMOTE_ADDR"]
        ):
            warn_of_proxy(client_of(request))
        return max(failures, settings.AXES_FAILURE_LIMIT)


class LoginForm(AdminAuthenticationForm):
    """The admin's form, which says that a name or an address is locked."""

    def get_invalid_login_error(self) -> ValidationError:
        if not getattr(self.request, "axes_locked_out", False):
            return super().get_invalid_login_error()
        minutes = math.ceil(settings.AXES_COOLOFF_TIME.total_seconds() / 60)
        message = (
            _("Too many logins have failed from here. Try again in %(minutes)s minutes.")
            if getattr(self.request, "address_locked", False)
            else _(
                "Too many logins with this name have failed from here. "
                "Try again in %(minutes)s minutes."
            )
        )
        return ValidationError(message, params={"minutes": minutes})


admin.site.login_form = LoginForm


async def login(request: HttpRequest) -> HttpResponseBase:
    """Show the admin's login page, and log in."""
    if request.method != "POST":
        return await sync_to_async(admin.site.login)(request)
    client = address_of(request)
    if _under_way.total() >= MOST or _under_way[client] >= MOST_OF_CLIENT:
        return await refuse(request)
    _under_way[client] += 1
    try:
        async with _turn():
            response: HttpResponseBase = await sync_to_async(admin.site.login)(request)
    finally:
        _under_way[client] -= 1
        if not _under_way[client]:
            del _under_way[client]
    if getattr(request, "axes_locked_out", False):
        seconds = settings.AXES_COOLOFF_TIME.total_seconds()
        refusal = too_many("logins", "The name or the address is locked.", seconds=seconds)
        response.status_code = refusal.status
        response["Retry-After"] = str(refusal.retry_after)
    return response


async def refuse(request: HttpRequest) -> HttpResponseBase:
    """Answer that too many logins are under way."""
    refusal = too_many("logins", "Too many logins are under way.", seconds=BUSY_SECONDS)
    response = await sync_to_async(render)(request, "429.html", status=refusal.status)
    response["Retry-After"] = str(refusal.retry_after)
    return response


def address_of(request: HttpRequest) -> str:
    """Return the address for which a login counts: an address of IPv4, or a /64 of IPv6."""
    return network_of(client_of(request))
