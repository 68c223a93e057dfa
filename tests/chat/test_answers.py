"""Answers over HTTP: asked for, resumed and stopped, from any process of the site."""

import threading
from contextlib import ExitStack

import httpx
import pytest

from tests.inside import chatter
from tests.site import Site, SiteMaker
from tests.valkey import Valkey
from tests.waiting import wait_until

from .front import Front, text_of


def types(parts: list[dict]) -> list[str]:
    return [part["type"] for part in parts]


def test_an_answer_comes_as_a_ui_message_stream(front: Front, key: str):
    with front.asking(key, "count 3") as answer:
        assert answer.response.headers["x-vercel-ai-ui-message-stream"] == "v1"
        assert answer.response.headers["content-type"] == "text/event-stream"
        parts = answer.rest()
    assert types(parts) == ["start", "text-start", *["text-delta"] * 3, "text-end", "finish"]
    assert parts[0]["messageId"]
    assert text_of(parts) == "0 1 2 "


def test_a_source_may_yield_parts(front: Front, key: str):
    given = (
        '[{"type": "start-step"}, {"type": "reasoning-start", "id": "r"},'
        ' {"type": "reasoning-delta", "id": "r", "delta": "Hm."},'
        ' {"type": "reasoning-end", "id": "r"}, {"type": "finish-step"}]'
    )
    parts = front.ask(key, f"parts {given}")
    assert types(parts)[1:-1] == [
        "start-step",
        "reasoning-start",
        "reasoning-delta",
        "reasoning-end",
        "finish-step",
    ]
    kept = front.conversation(key)["messages"][-1]["parts"]
    assert kept == [{"type": "step-start"}, {"type": "reasoning", "text": "Hm.", "state": "done"}]


def test_a_resumed_answer_comes_whole_and_with_the_same_id_from_any_process(
    front: Front, elsewhere: Front, key: str
):
    with front.asking(key, "hang") as answer:
        first = answer.until("waiting ")
    # The connection is lost here, and the answer goes on.
    with elsewhere.resuming(key) as answer:
        assert answer.until("waiting ") == first
        assert front.stop(key)
        assert types(answer.rest()) == ["abort"]


def test_nothing_is_resumed_after_the_end(front: Front, elsewhere: Front, key: str):
    front.ask(key, "count 1")
    response = elsewhere.get(f"/chat/api/{key}/stream")
    assert (response.status_code, response.content) == (204, b"")


def test_a_stop_reaches_the_source_in_another_process(
    backend_site: Site, front: Front, elsewhere: Front, key: str
):
    with front.asking(key, "hang") as answer:
        answer.until("waiting ")
        assert elsewhere.stop(key)
        assert types(answer.rest()) == ["abort"]
    wait_until(
        lambda: backend_site.call(chatter.cancelled, key), "the source of the answer is cancelled"
    )
    assert not elsewhere.stop(key)
    kept = elsewhere.conversation(key)
    assert kept["messages"][-1]["parts"] == [{"type": "text", "text": "waiting ", "state": "done"}]
    assert not kept["live"]


def test_a_question_waits_for_the_answer_before_it(front: Front, elsewhere: Front, key: str):
    with front.asking(key, "hang") as answer:
        answer.until("waiting ")
        refused = elsewhere.post(elsewhere.body(key, "count 1"))
        assert refused.status_code == 409
        assert "is being written" in refused.json()["detail"]
        front.stop(key)
    assert text_of(elsewhere.ask(key, "count 2")) == "0 1 "


def test_of_two_questions_at_once_one_is_answered(front: Front, elsewhere: Front, key: str):
    front.ask(key, "count 1")  # The session exists from here on.
    for number in range(5):
        new = f"{key}-{number}"
        statuses: list[int] = []

        def ask(who: Front, new: str = new, statuses: list[int] = statuses) -> None:
            with who.client.stream("POST", "/chat/api", json=who.body(new, "hang")) as response:
                statuses.append(response.status_code)

        threads = [threading.Thread(target=ask, args=[who]) for who in (front, elsewhere)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200, 409]
        front.stop(new)


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("fail The oven is cold.", "The oven is cold."),
        ("break", "The answer failed. Ask again."),
    ],
)
def test_a_failing_source_ends_the_answer_with_an_error_and_the_conversation_goes_on(
    backend_site: Site, front: Front, question: str, told: str, key: str
):
    before = backend_site.log.count("Traceback")
    parts = front.ask(key, question)
    assert text_of(parts) == "so far "
    assert parts[-1] == {"type": "error", "errorText": told}
    assert "secret" not in str(front.conversation(key))
    assert text_of(front.ask(key, "count 1")) == "0 "
    if question == "break":
        # The exception is logged after the end of the answer.
        wait_until(lambda: backend_site.log.count("Traceback") > before, "the exception is logged")
    for server in backend_site.servers:
        server.excuse()


def test_the_source_gets_the_conversation_so_far(front: Front, key: str):
    front.ask(key, "count 1")
    front.ask(key, "history")
    *before, _answer = front.conversation(key)["messages"]
    assert [message["role"] for message in before] == ["user", "assistant", "user"]
    assert text_of(front.ask(key, "history")).count(",") == 4


def test_an_answer_is_written_again(front: Front, key: str):
    front.ask(key, "count 1")
    front.ask(key, "count 2")
    before = front.conversation(key)["messages"]
    again = front.ask(key, "ignored", trigger="regenerate-message", messageId=before[-1]["id"])
    assert text_of(again) == "0 1 "
    after = front.conversation(key)["messages"]
    assert after[:-1] == before[:-1]
    assert after[-1]["id"] == again[0]["messageId"] != before[-1]["id"]


def test_a_question_is_replaced_with_all_that_followed(front: Front, key: str):
    front.ask(key, "count 1")
    front.ask(key, "count 2")
    first = front.conversation(key)["messages"][0]["id"]
    front.ask(key, "count 3", messageId=first)
    texts = [message["parts"][0]["text"] for message in front.conversation(key)["messages"]]
    assert texts == ["count 3", "0 1 2 "]


def test_the_text_transport_gets_the_bare_text(front: Front, key: str):
    response = front.client.post("/chat/api/text", json=front.body(key, "count 3"))
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text == "0 1 2 "


def test_the_engine_s_own_readers_can_follow_an_answer(front: Front, key: str):
    with front.asking(key, "hang") as answer:
        parts = answer.until("waiting ")
        address = front.conversation(key)["stream"]
        pieces = front.get(f"{address}/polling").json()["pieces"]
        front.stop(key)
    assert pieces == parts


# Whose conversation it is.


def test_a_conversation_is_found_by_its_visitor_alone(backend_site: Site, front: Front, key: str):
    front.ask(key, "count 1")
    assert key in [each["id"] for each in front.get("/chat/conversations").json()["conversations"]]
    stranger = front.stranger(backend_site)
    assert stranger.get("/chat/conversations").json() == {"conversations": []}
    for path in (f"/chat/conversations/{key}", f"/chat/api/{key}/stream"):
        mine, unknown = stranger.get(path), stranger.get(path.replace(key, "never"))
        assert (mine.status_code, unknown.status_code) == (404, 404)
        assert mine.text.replace(key, "never") == unknown.text
    assert stranger.post(stranger.body(key, "count 1")).status_code == 404
    assert stranger.client.post(f"/chat/api/{key}/stop").status_code == 404
    assert stranger.client.delete(f"/chat/conversations/{key}").status_code == 404


def test_a_deleted_conversation_takes_its_streams_along(backend_site: Site, front: Front, key: str):
    with front.asking(key, "hang") as answer:
        answer.until("waiting ")
        address = front.conversation(key)["stream"]
        assert front.client.delete(f"/chat/conversations/{key}").status_code == 204
    assert front.get(f"/chat/conversations/{key}").status_code == 404
    assert front.get(f"{address}/polling").status_code in (404, 410)


def test_a_page_of_another_site_can_not_ask_or_stop(front: Front, key: str):
    elsewhere = {"Origin": "https://evil.example"}
    assert front.post(front.body(key, "count 1"), **elsewhere).status_code == 403
    front.ask(key, "count 1")
    stopped = front.client.post(f"/chat/api/{key}/stop", headers=elsewhere)
    assert stopped.status_code == 403
    deleted = front.client.delete(f"/chat/conversations/{key}", headers=elsewhere)
    assert deleted.status_code == 403


# Bad input.

HALF = "\ud83d"  # Half of a surrogate pair.
QUESTION = {"id": "m", "role": "user", "parts": [{"type": "text", "text": "count 1"}]}


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ("{", 400, "not JSON"),
        (b"\xff", 400, "not JSON"),
        ("[" * 100_000, 400, "not JSON"),
        ([], 400, "not a JSON object"),
        ({"messages": [QUESTION]}, 400, '"id" is not valid'),
        ({"id": "a\0b", "messages": [QUESTION]}, 400, '"id" is not valid'),
        ({"id": "x" * 101, "messages": [QUESTION]}, 400, '"id" is not valid'),
        ({"id": "bad"}, 400, '"messages" is not a list'),
        ({"id": "bad", "messages": []}, 400, '"messages" is not a list'),
        ({"id": "bad", "messages": ["Hello"]}, 400, '"messages"[0] is not an object'),
        ({"id": "bad", "messages": [{**QUESTION, "role": "system"}]}, 400, '"role"'),
        ({"id": "bad", "messages": [{**QUESTION, "parts": "Hello"}]}, 400, '"parts"'),
        ({"id": "bad", "messages": [{**QUESTION, "parts": [{"type": "text"}]}]}, 400, '"text"'),
        ({"id": "bad", "messages": [{**QUESTION, "role": "assistant"}]}, 400, "last message"),
        ({"id": "bad", "messages": [{**QUESTION, "parts": []}]}, 400, "empty"),
        ({"id": "bad", "messages": [QUESTION], "trigger": "shout"}, 400, '"trigger"'),
        (
            {"id": "bad", "messages": [{**QUESTION, "parts": [{"type": "text", "text": "a\0"}]}]},
            400,
            "NUL",
        ),
        (
            {
                "id": "bad",
                "messages": [{**QUESTION, "parts": [{"type": "text", "text": "\ud83d"}]}],
            },
            400,
            "surrogate",
        ),
        (
            {
                "id": "bad",
                "messages": [{**QUESTION, "parts": [{"type": "text", "text": "x" * 2_000_000}]}],
            },
            413,
            "Send at most 32000",
        ),
        (
            {"id": "bad", "messages": [{**QUESTION, "id": f"m{n}"} for n in range(1000)]},
            409,
            "at most 200 messages",
        ),
        ("x" * 9_000_000, 413, "too large"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_a_bad_question_is_refused_with_a_reason(
    front: Front, body: object, status: int, told: str
):
    response = front.post(body)
    assert (response.status_code, told in response.json()["detail"]) == (status, True), (
        response.text
    )
    assert front.get("/chat/conversations/bad").status_code == 404


def test_a_body_of_another_type_is_refused(front: Front):
    response = front.client.post("/chat/api", content="{}", headers={"Content-Type": "text/plain"})
    assert response.status_code == 415


def test_an_answer_to_a_message_that_does_not_exist_is_refused(front: Front, key: str):
    front.ask(key, "count 1")
    body = front.body(key, "ignored", trigger="regenerate-message", messageId="nowhere")
    response = front.post(body)
    assert response.status_code == 400
    assert "'nowhere'" in response.json()["detail"]


def test_more_answers_at_once_than_allowed_are_refused(front: Front, key: str):
    keys = [f"{key}-{number}" for number in range(4)]
    for key in keys[:3]:
        with front.asking(key, "hang") as answer:
            answer.until("waiting ")
    refused = front.post(front.body(keys[3], "count 1"))
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    front.stop(keys[0])
    assert text_of(front.ask(keys[3], "count 1")) == "0 "
    for key in keys[1:3]:
        front.stop(key)


def test_a_site_without_a_model_says_what_it_lacks(site: Site, opened: ExitStack):
    front = Front(site, opened)
    response = front.post(front.body("any", "Hello?"))
    assert response.status_code == 503
    assert response.json()["detail"] == (
        "This site has no model. Set CHAT_MODEL to the name of one."
    )


# What dies in the middle.


def test_an_answer_whose_server_was_killed_ends_with_an_error_and_keeps_its_text(
    make_site: SiteMaker, valkey: Valkey, opened: ExitStack, key: str
):
    site = make_site(
        servers=("daphne", "daphne"),
        REDIS_URL=valkey.url,
        CHAT_SOURCE="tests.inside.chatter.answer",
    ).start()
    first, second = site.servers
    front = Front(first, opened)
    with front.asking(key, "hang") as answer:
        answer.until("waiting ")
        first.kill()
        with pytest.raises(httpx.RemoteProtocolError):
            answer.rest()
    other = front.at(second)
    with other.resuming(key) as answer:
        parts = answer.rest()
    assert text_of(parts) == "waiting "
    assert parts[-1] == {"type": "error", "errorText": "The answer was interrupted. Ask again."}
    chinese = other.client.get(
        f"/chat/conversations/{key}", headers={"Accept-Language": "zh-CN"}
    ).json()
    assert [end["errorText"] for end in chinese["ends"].values()] == ["回答中断了，请重新提问。"]
    kept = other.conversation(key)["messages"][-1]["parts"]
    assert kept == [{"type": "text", "text": "waiting ", "state": "done"}]
    assert text_of(other.ask(key, "count 1")) == "0 "
