"""The login of the admin: wrong passwords lock it, and it holds nothing else up."""

import re
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

from tests.engine.people import CSRF
from tests.inside import hashing, users
from tests.marks import DAPHNE_AND_UVICORN
from tests.raw import http
from tests.site import Site, SiteMaker
from tests.waiting import wait_until

PASSWORD = "correct horse"


def log_in(site: Site, name: str, password: str, prefix: str = "/en", **more: str) -> http.Response:
    fields = {"csrfmiddlewaretoken": CSRF, "username": name, "password": password}
    return http.ask(
        site.address,
        f"{prefix}/admin/login/?next={prefix}/admin/",
        method="POST",
        headers={
            "Cookie": f"csrftoken={CSRF}",
            "Content-Type": "application/x-www-form-urlencoded",
            **more,
        },
        body=urlencode(fields).encode(),
    )


def said(answer: http.Response) -> str:
    """Return what the login page says about a login that failed."""
    return " ".join(re.search(r'class="errornote">(.*?)</p>', answer.text, re.DOTALL)[1].split())


@DAPHNE_AND_UVICORN
def test_200_wrong_passwords_lock_a_name_for_an_address_until_the_cool_off(
    make_site: SiteMaker, on: str
):
    site = make_site(
        servers=[on], STREAM_TRUSTED_PROXIES="127.0.0.1", LOGIN_FAILURES="5", LOGIN_COOL_OFF="60"
    ).start()
    for name in ("admin", "colleague"):
        site.call(users.make_admin, name, PASSWORD)
    here, elsewhere = ({"X-Forwarded-For": f"203.0.113.{n}"} for n in (7, 8))

    def guess(n: int) -> int:
        return log_in(site, "admin", f"guess {n}", **here).status

    # One after the other until the lock, and then many at once.
    assert [guess(n) for n in range(5)] == [200, 200, 200, 200, 429]
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(guess, range(5, 200))) == {429}
    locked = log_in(site, "admin", PASSWORD, **here)
    assert (locked.status, locked.headers["retry-after"]) == (429, "60")
    assert "Too many logins with this name have failed from here" in said(locked)
    assert "用这个用户名登录，失败的次数太多" in said(
        log_in(site, "admin", PASSWORD, prefix="", **here)
    )
    # Neither the colleague behind the same address nor the admin elsewhere is locked out.
    assert log_in(site, "colleague", PASSWORD, **here).status == 302
    assert log_in(site, "admin", PASSWORD, **elsewhere).status == 302
    site.call(users.age_failed_logins, 61)
    assert log_in(site, "admin", PASSWORD, **here).status == 302


@DAPHNE_AND_UVICORN
def test_one_password_tried_with_many_names_locks_the_address(make_site: SiteMaker, on: str):
    site = make_site(
        servers=[on],
        STREAM_TRUSTED_PROXIES="127.0.0.1",
        LOGIN_FAILURES_PER_ADDRESS="6",
        LOGIN_COOL_OFF="60",
    ).start()
    site.call(users.make_admin, "admin", PASSWORD)
    here, elsewhere = ({"X-Forwarded-For": f"203.0.113.{n}"} for n in (7, 8))
    statuses = [log_in(site, f"user-{n}", "summer", **here).status for n in range(8)]
    assert statuses == [200] * 5 + [429] * 3
    locked = log_in(site, "admin", PASSWORD, **here)
    assert (locked.status, locked.headers["retry-after"]) == (429, "60")
    assert "Too many logins have failed from here" in said(locked)
    assert "从这里登录，失败的次数太多" in said(log_in(site, "admin", PASSWORD, prefix="", **here))
    assert log_in(site, "admin", PASSWORD, **elsewhere).status == 302
    site.call(users.age_failed_logins, 61)
    assert log_in(site, "admin", PASSWORD, **here).status == 302


@DAPHNE_AND_UVICORN
def test_a_hundred_logins_at_once_hold_up_neither_pages_nor_streams(make_site: SiteMaker, on: str):
    settings = "tests.inside.settings.gated"
    site = make_site(servers=[on], DJANGO_SETTINGS_MODULE=settings).start()
    with ThreadPoolExecutor(100) as pool:
        logins = [pool.submit(log_in, site, f"user-{n}", "wrong") for n in range(100)]
        wait_until(lambda: sum(each.done() for each in logins) == 90, "the others are refused")
        # A password is being checked, and nine logins wait for their turns.
        for _ in range(5):
            assert http.get(site.address, "/stream/article/polling").status == 200
            assert http.get(site.address, "/en/live/").status == 200
        assert sum(each.done() for each in logins) == 90
        assert site.call(hashing.open_gate) == 1
    statuses = [each.result().status for each in logins]
    assert statuses.count(200) == 10
    assert statuses.count(429) == 90
    refused = next(each.result() for each in logins if each.result().status == 429)
    assert refused.headers["retry-after"] == "5"
    assert "Your password has not been checked." in refused.text


def test_a_password_is_kept_nowhere(make_site: SiteMaker):
    site = make_site().start()
    assert log_in(site, "admin", "my other password").status == 200
    assert "my other password" not in str(site.call(users.failed_logins))
    assert "my other password" not in site.server.log
