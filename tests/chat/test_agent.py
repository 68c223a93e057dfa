"""Answers of a model: a real one, and a provider that fails in every way."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.site import Site, SiteMaker

from .front import Front, text_of
from .model import model_problem, running_model
from .provider import Provider, running_provider


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture(scope="module")
def agent_site(make_shared_site: SiteMaker, provider: Provider) -> Site:
    """Return a site whose model is the scripted provider."""
    return make_shared_site(
        CHAT_SOURCE="tests.inside.agents.answer",
        OPENAI_BASE_URL=provider.url,
        OPENAI_API_KEY="sk-123",
        CHAT_TIMEOUT="15",
    ).start()


@pytest.fixture
def front(agent_site: Site, opened: ExitStack) -> Front:
    return Front(agent_site, opened)


def types(parts: list[dict[str, Any]]) -> list[str]:
    return [part["type"] for part in parts]


def test_an_answer_carries_text_and_usage(front: Front, provider: Provider, key: str):
    provider.say("Hello, ", "world.")
    parts = front.ask(key, "Hello?")
    assert text_of(parts) == "Hello, world."
    message = front.conversation(key)["messages"][-1]
    assert message["metadata"]["usage"] == {"inputTokens": 11, "outputTokens": 7}
    asked = provider.requests[-1]["messages"][-1]
    assert (asked["role"], asked["content"]) == ("user", "Hello?")


def test_the_model_gets_the_conversation(front: Front, provider: Provider, key: str):
    provider.say("Four.")
    front.ask(key, "Two and two?")
    provider.say("Five.")
    front.ask(key, "And one?")
    roles = [(each["role"], each["content"]) for each in provider.requests[-1]["messages"]]
    assert roles == [("user", "Two and two?"), ("assistant", "Four."), ("user", "And one?")]


def test_the_model_gets_the_instructions_of_the_site(
    make_site: SiteMaker, opened: ExitStack, provider: Provider, key: str
):
    site = make_site(
        CHAT_MODEL="openai-chat:any",
        CHAT_INSTRUCTIONS="Be brief.",
        OPENAI_BASE_URL=provider.url,
        OPENAI_API_KEY="sk-123",
    ).start()
    provider.say("Hi.")
    Front(site, opened).ask(key, "Hello?")
    first, second = provider.requests[-1]["messages"]
    assert (first["role"], first["content"]) == ("system", "Be brief.")
    assert (second["role"], second["content"]) == ("user", "Hello?")


def test_reasoning_is_carried_through(front: Front, provider: Provider, key: str):
    provider.think("Let me see.", "Yes.")
    parts = front.ask(key, "Sure?")
    assert "reasoning-delta" in types(parts)
    kept = front.conversation(key)["messages"][-1]["parts"]
    assert [part["text"] for part in kept if part["type"] == "reasoning"] == ["Let me see."]


def test_a_tool_is_called_and_its_output_is_kept(front: Front, provider: Provider, key: str):
    provider.call("weather", '{"city": "Bergen"}')
    provider.say("Take an umbrella.")
    parts = front.ask(key, "How is Bergen?")
    called = next(part for part in parts if part["type"] == "tool-output-available")
    assert called["output"] == "Rain in Bergen."
    assert text_of(parts) == "Take an umbrella."
    kept = front.conversation(key)["messages"][-1]["parts"]
    tool = next(part for part in kept if part["type"] == "tool-weather")
    assert (tool["state"], tool["input"]) == ("output-available", {"city": "Bergen"})
    provider.say("Yes.")
    front.ask(key, "Still?")
    assert "tool" in [each["role"] for each in provider.requests[-1]["messages"]]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "The model's provider refuses this site's key."),
        (
            429,
            "The model's provider has too many requests from this site. Ask again later.",
        ),
        (500, "The model's provider failed. Ask again."),
    ],
)
def test_a_provider_that_refuses_ends_the_answer_with_an_error(
    front: Front, provider: Provider, key: str, status: int, told: str
):
    provider.refuse(status)
    parts = front.ask(key, "Hello?")
    assert parts[-1] == {"type": "error", "errorText": told}
    assert "sk-123" not in str(parts)
    provider.answers.clear()
    provider.say("Here I am.")
    assert text_of(front.ask(key, "Again?")) == "Here I am."


@pytest.mark.parametrize("fault", ["rubbish", "break_off", "hang_after"])
def test_a_provider_that_breaks_in_the_middle_ends_the_answer_with_an_error(
    front: Front, provider: Provider, key: str, fault: str
):
    getattr(provider, fault)(*([] if fault == "rubbish" else ["So far"]))
    parts = front.ask(key, "Hello?")
    assert parts[-1]["type"] == "error"
    assert parts[-1]["errorText"].endswith(("Ask again.", "Ask again later."))
    assert text_of(parts) in ("", "So far")
    provider.answers.clear()
    provider.say("Here I am.")
    assert text_of(front.ask(key, "Again?")) == "Here I am."


def test_a_stop_closes_the_connection_to_the_provider(front: Front, provider: Provider, key: str):
    provider.left.clear()
    provider.hang_after("So far")
    with front.asking(key, "Hello?") as answer:
        answer.until("So far")
        assert front.stop(key)
        assert types(answer.rest()) == ["abort"]
    assert provider.left.wait(60)


def test_a_provider_that_is_away_is_told(make_site: SiteMaker, opened: ExitStack, key: str):
    with running_provider() as gone:
        url = gone.url
    site = make_site(
        CHAT_MODEL="openai-chat:any", OPENAI_BASE_URL=url, OPENAI_API_KEY="sk-123"
    ).start()
    parts = Front(site, opened).ask(key, "Hello?")
    assert parts[-1]["errorText"] == "The model's provider can't be reached. Ask again later."


# A real model.

needs_model = pytest.mark.skipif(
    bool(model_problem()) and "REQUIRE_MODEL" not in os.environ, reason=model_problem()
)


@needs_model
def test_a_real_model_answers_and_is_stopped(
    make_site: SiteMaker, opened: ExitStack, key: str, tmp_path: Path
):
    url = opened.enter_context(running_model(tmp_path))
    site = make_site(
        CHAT_MODEL="openai-chat:smollm2",
        OPENAI_BASE_URL=url,
        OPENAI_API_KEY="none",
    ).start()
    front = Front(site, opened)
    parts = front.ask(key, "What is the sea? Answer in one sentence.")
    assert parts[-1] == {"type": "finish", "finishReason": "stop"}
    assert len([part for part in parts if part["type"] == "text-delta"]) > 3
    message = front.conversation(key)["messages"][-1]
    assert message["parts"][-1]["text"] == text_of(parts)
    assert message["metadata"]["usage"]["outputTokens"] > 3
    with front.asking(key, "Tell me a very long story about a whale.") as answer:
        while answer.next()["type"] != "text-delta":
            pass
        assert front.stop(key)
        assert types(answer.rest())[-1] == "abort"
