"""Logins into the admin: one at a time, so many under way, and what the others are told."""

import asyncio
import threading
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext
from django.contrib import admin
from django.http import HttpResponse
from django.test import RequestFactory

from streamsite import logins
from streamsite.logins import MOST, MOST_OF_CLIENT, login

pytestmark = pytest.mark.usefixtures("without_static_files")


def request(address: str, method: str = "post") -> Any:
    return getattr(RequestFactory(REMOTE_ADDR=address), method)("/en/admin/login/")


class Passwords:
    """What checks a password, in place of Django's: it waits until the test lets it go on."""

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.most = self.at_once = self.checked = 0
        self.locked = False

    def __call__(self, request: Any, **_: Any) -> HttpResponse:
        if request.method != "POST":
            return HttpResponse("form")
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        assert self.go_on.wait(60)
        self.at_once -= 1
        self.checked += 1
        request.axes_locked_out = self.locked
        return HttpResponse()


@pytest.fixture
def passwords(monkeypatch: pytest.MonkeyPatch) -> Passwords:
    passwords = Passwords()
    monkeypatch.setattr(admin.site, "login", passwords)
    return passwords


async def log_in(address: str, method: str = "post") -> HttpResponse:
    """Log in, with a thread for each request as Django gives one."""
    async with ThreadSensitiveContext():
        return await login(request(address, method))


async def attempts(count: int, address: str) -> list[asyncio.Task[HttpResponse]]:
    """Begin logins, and give each the time to be refused or to wait."""
    tasks = [asyncio.create_task(log_in(address)) for _ in range(count)]
    for _ in range(10):
        await asyncio.sleep(0)
    return tasks


async def test_passwords_are_checked_one_at_a_time(passwords: Passwords):
    waiting = await attempts(5, "203.0.113.7")
    passwords.go_on.set()
    assert {response.status_code for response in await asyncio.gather(*waiting)} == {200}
    assert (passwords.most, passwords.checked) == (1, 5)


async def test_one_address_and_all_of_them_have_so_many_logins_under_way(passwords: Passwords):
    waiting: list[asyncio.Task[HttpResponse]] = []
    for number in range(MOST // MOST_OF_CLIENT):
        waiting += await attempts(MOST_OF_CLIENT, f"203.0.113.{number}")
        refused = await log_in(f"203.0.113.{number}")
        assert (refused.status_code, refused["Retry-After"]) == (429, "5")
    assert (await log_in("203.0.113.99")).status_code == 429
    # The form is shown all the same.
    assert (await log_in("203.0.113.0", "get")).content == b"form"
    passwords.go_on.set()
    assert {response.status_code for response in await asyncio.gather(*waiting)} == {200}
    assert passwords.checked == MOST
    assert not logins._under_way
    assert (await log_in("203.0.113.0")).status_code == 200


async def test_a_name_that_is_locked_is_told_for_how_long(passwords: Passwords, settings):
    passwords.locked = True
    passwords.go_on.set()
    response = await log_in("203.0.113.7")
    assert response.status_code == 429
    assert int(response["Retry-After"]) == settings.AXES_COOLOFF_TIME.total_seconds()


async def test_a_login_that_fails_leaves_its_place(passwords: Passwords):
    waiting = await attempts(1, "203.0.113.7")
    waiting[0].cancel()
    passwords.go_on.set()
    await asyncio.wait(waiting)
    assert not logins._under_way
