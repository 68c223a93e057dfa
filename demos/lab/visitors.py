"""Whose run it is: a signed cookie names the only run of a visitor.

The cookie needs neither a login nor a row in the database. All tabs of a browser have the same run.
"""

from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from . import runs
from .runs import NoSuchRun, Run

COOKIE = "lab"
SALT = "demos.lab"
# Seconds for which a browser keeps the cookie. A run is shorter.
AGE = 3600


def run_of(request: HttpRequest) -> str | None:
    """Return the id of the visitor's run, or None. The run itself may be gone."""
    value = request.get_signed_cookie(COOKIE, None, salt=SALT, max_age=AGE)
    return str(value) if value else None


async def run_for(request: HttpRequest, run_id: str) -> Run:
    """Return the visitor's run. Raises NoSuchRun for any other, whether there is one or not."""
    if run_of(request) != run_id:
        raise NoSuchRun
    return await runs.find(run_id)


def give_cookie(response: HttpResponseBase, request: HttpRequest, run_id: str) -> None:
    """Make a run the visitor's, in place of the former one."""
    response.set_signed_cookie(
        COOKIE,
        run_id,
        salt=SALT,
        max_age=AGE,
        path=reverse("lab:runs"),
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
