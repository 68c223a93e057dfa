"""A source with an agent of its own, which has a tool."""

from collections.abc import AsyncIterator
from typing import Any

from pydantic_ai import Agent

from streamsite.chat import Question
from streamsite.chat.agent import ask


def weather(city: str) -> str:
    """Return the weather in a city."""
    return f"Rain in {city}."


def answer(question: Question) -> AsyncIterator[Any]:
    agent: Agent[None, str] = Agent("openai-chat:scripted", tools=[weather])
    return ask(agent, question)
