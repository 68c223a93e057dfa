"""Limits of publishers: streams, requests, and wrong tokens."""

import json

from tests.engine.publisher import new_name
from tests.inside import users
from tests.marks import DAPHNE_AND_UVICORN
from tests.postgres import Postgres
from tests.raw import http
from tests.site import SiteMaker
from tests.waiting import wait_until

from .limited import Address, live_stream, publish


def create(address: Address, token: str, name: str = "") -> http.Response:
    return publish(address, name or new_name("created"), token, "one ")


def check_refused(answer: http.Response, why: str) -> None:
    assert answer.status == 429, answer.text
    assert why in answer.json["detail"]
    assert int(answer.headers["retry-after"]) >= 1


@DAPHNE_AND_UVICORN
def test_a_token_and_its_owner_have_so_many_live_streams_in_all_processes(
    make_site: SiteMaker, postgres: Postgres, on: str
):
    url = postgres.new_database(f"limits-{on}")
    site = make_site(servers=[on, on], DATABASE_URL=url, STREAM_MAX_LIVE_STREAMS="3")
    assert site.manage("migrate", "--verbosity", "0").returncode == 0
    site.start()
    people = site.call(users.make_people)
    owner, token = people["owner"][0], people["owner"][2]
    second, stranger = site.call(users.make_token, "second", owner), people["stranger"][2]
    one, other = (server.address for server in site.servers)
    name = new_name("first")
    assert create(one, token, name).status == 202
    assert create(other, token).status == 202
    assert create(other, second).status == 202
    for address in (one, other):
        for key in (token, second):
            check_refused(create(address, key), "3 live streams")
    # What is live goes on, others may begin, and an end makes room.
    assert publish(other, name, token, "two").status == 202
    assert create(one, stranger).status == 202
    assert publish(one, name, token, end="done").status == 202
    assert create(other, token).status == 202


@DAPHNE_AND_UVICORN
def test_a_token_creates_so_many_streams_a_minute(make_site: SiteMaker, on: str):
    site = make_site(servers=[on], STREAM_MAX_NEW_STREAMS="5").start()
    token = site.call(users.make_token, "any")
    names = [new_name("created") for _ in range(20)]
    answers = [publish(site.address, name, token, "one", end="done") for name in names]
    assert answers[0].status == 202
    refused = {name for name, answer in zip(names, answers, strict=True) if answer.status == 429}
    assert refused
    for name, answer in zip(names, answers, strict=True):
        found = http.get(site.address, f"/stream/{name}/polling").status
        if name in refused:
            check_refused(answer, "within a minute")
        # A refused request has created nothing.
        assert found == (404 if name in refused else 200)


@DAPHNE_AND_UVICORN
def test_a_token_publishes_so_many_times_a_second_and_repeats_what_was_refused(
    make_site: SiteMaker, on: str
):
    site = make_site(servers=[on], STREAM_MAX_PUBLISHES="2").start()
    token = site.call(users.make_token, "any")
    name = live_stream(site.address, token)
    refused = 0
    for n in range(1, 12):

        def deliver(n: int = n) -> bool:
            nonlocal refused
            answer = publish(site.address, name, token, f"{n} ", n=n)
            if answer.status == 429:
                refused += 1
                check_refused(answer, "more than 2 times a second")
            return answer.status == 202

        wait_until(deliver, "the piece is taken")
    assert refused
    assert publish(site.address, name, token, end="done").status in (202, 429)
    text = "".join(http.get(site.address, f"/stream/{name}/polling").json["pieces"])
    assert text == "one " + "".join(f"{n} " for n in range(1, 12))


@DAPHNE_AND_UVICORN
def test_wrong_tokens_are_refused_and_right_ones_are_not_locked_out(make_site: SiteMaker, on: str):
    site = make_site(
        servers=[on], STREAM_MAX_WRONG_TOKENS="20", STREAM_TRUSTED_PROXIES="127.0.0.1"
    ).start()
    known, fresh = (site.call(users.make_token, label) for label in ("known", "fresh"))
    name = live_stream(site.address, known)

    def guess(token: str, what: str, client: str = "203.0.113.7") -> http.Response:
        return http.ask(
            site.address,
            f"/stream/{name}/{what}",
            method="POST",
            headers={"Authorization": f"Bearer {token}", "X-Forwarded-For": client},
            body=json.dumps({"pieces": ["x"]}).encode(),
        )

    answers = [guess(f"guess-{n}", ("pieces", "stop")[n % 2]) for n in range(60)]
    refused = [answer for answer in answers if answer.status == 429]
    # One attempt comes back every three seconds.
    assert 20 <= len(answers) - len(refused) < 50
    check_refused(refused[0], "20 wrong tokens within a minute")
    # A neighbour who published before goes on, and one who begins now waits a few seconds.
    assert guess(known, "pieces").status == 202
    assert guess(fresh, "pieces", "203.0.113.8").status == 409
    assert int(refused[0].headers["retry-after"]) <= 3
    wait_until(lambda: guess("another", "pieces").status == 401, "there is one attempt again")
