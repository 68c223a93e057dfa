"""The source that asks a model, by Pydantic AI: https://ai.pydantic.dev.

The setting CHAT_MODEL names the model, and the provider's own environment variables have its key
and address, such as OPENAI_API_KEY and OPENAI_BASE_URL. A project with an agent of its own, which
has tools or a database, names a source of its own that calls `ask`:

    # shop/chat.py, with CHAT_SOURCE = "shop.chat.answer"
    from pydantic_ai import Agent
    from streamsite.chat.agent import ask

    agent = Agent("anthropic:claude-sonnet-4-5", tools=[find_order])

    def answer(question):
        return ask(agent, question, deps=question.user)
"""

import json
import logging
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any, Literal

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _
from pydantic import ValidationError
from pydantic_ai import Agent
from pydantic_ai.exceptions import (
    AgentRunError,
    ModelAPIError,
    ModelHTTPError,
    UnexpectedModelBehavior,
    UserError,
)
from pydantic_ai.run import AgentRunResult
from pydantic_ai.ui.vercel_ai import VercelAIAdapter
from pydantic_ai.ui.vercel_ai.response_types import (
    BaseChunk,
    DoneChunk,
    ErrorChunk,
    MessageMetadataChunk,
)

from streamsite.streams import Failed

from .conf import setting
from .parts import Part
from .questions import Question

logger = logging.getLogger(__name__)

# The version of npm `ai` whose parts the adapter yields. The parts of 7 are those of 6.
SDK_VERSION: Literal[7] = 7
UNAUTHORIZED = (401, 403)
TOO_MANY_REQUESTS = 429


def answer(question: Question) -> AsyncIterator[Part]:
    """Ask the model that CHAT_MODEL names."""
    return ask(_agent(setting("CHAT_MODEL"), setting("CHAT_INSTRUCTIONS")), question)


async def ask(agent: Agent[Any, Any], question: Question, **options: Any) -> AsyncIterator[Part]:
    """Run an agent on a question, and yield the parts of its answer.

    Texts, reasoning and tool calls become parts of the AI SDK, and the usage becomes the message's
    metadata: `{"usage": {"inputTokens": 12, "outputTokens": 34}}`. The options are those of
    `VercelAIAdapter.run_stream_native`, such as `deps` and `usage_limits`.

    Raises Failed when the provider fails.
    """
    body = {"trigger": "submit-message", "id": question.conversation, "messages": question.messages}
    try:
        run_input = VercelAIAdapter.build_run_input(json.dumps(body).encode())
    except ValidationError as error:
        raise Failed(_("The model can't read this conversation. Begin another.")) from error
    adapter = VercelAIAdapter(agent=agent, run_input=run_input, sdk_version=SDK_VERSION)
    failures: list[Exception] = []

    async def events() -> AsyncIterator[Any]:
        # The adapter turns an exception into a part with the exception's text, which may
        # contain an address or a key.
        try:
            async for event in adapter.run_stream_native(**options):
                yield event
        except Exception as error:
            failures.append(error)
            raise

    async for chunk in adapter.transform_stream(events(), on_complete=_usage):
        if isinstance(chunk, ErrorChunk) and failures:
            raise _failed(failures[0])
        if not isinstance(chunk, DoneChunk):
            yield json.loads(chunk.encode(SDK_VERSION))


async def _usage(result: AgentRunResult[Any]) -> AsyncIterator[BaseChunk]:
    usage = result.usage
    tokens = {"inputTokens": usage.input_tokens, "outputTokens": usage.output_tokens}
    yield MessageMetadataChunk(message_metadata={"usage": tokens})


def _failed(error: Exception) -> Failed:
    """Return the failure of which readers learn, for an exception of Pydantic AI."""
    failed = Failed(_described(error))
    if isinstance(error, AgentRunError):
        # One line in place of a traceback, because the cause is outside of the site.
        logger.warning("The model failed: %s", error)
    else:
        failed.__cause__ = error
    return failed


def _described(error: Exception) -> str:
    match error:
        case ModelHTTPError(status_code=status) if status in UNAUTHORIZED:
            return _("The model's provider refuses this site's key.")
        case ModelHTTPError(status_code=status) if status == TOO_MANY_REQUESTS:
            return _("The model's provider has too many requests from this site. Ask again later.")
        case ModelHTTPError():
            return _("The model's provider failed. Ask again.")
        case ModelAPIError():
            return _("The model's provider can't be reached. Ask again later.")
        case UnexpectedModelBehavior():
            return _("The model's answer can't be read. Ask again.")
        case AgentRunError():
            return _("The model's answer was cut off, because it reached a limit.")
    return _("The answer failed. Ask again.")


@lru_cache(maxsize=4)
def _agent(model: str, instructions: str) -> Agent[Any, Any]:
    if not model:
        raise ImproperlyConfigured("Set CHAT_MODEL to the name of a model, such as 'openai:gpt-5'.")
    try:
        return Agent(model, instructions=instructions or None)
    except UserError as error:
        raise ImproperlyConfigured(f"CHAT_MODEL is {model!r}. {error}") from error
