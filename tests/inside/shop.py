"""Code in the project of a reader of the README or the guide: a model, and runs of their blocks."""

import ast
import asyncio
import inspect
import types
from collections.abc import AsyncIterator

WORDS = ["Because ", "流式输出 ", "is 🦊\r\n", "fun."]


async def model(question: str) -> AsyncIterator[str]:
    """Answer with fixed words and the question. The answer to "endless" does not end."""
    for word in WORDS:
        yield word
    yield question
    if question == "endless":
        await asyncio.Event().wait()


def run_as_written(code: str) -> None:
    """Run a block of the README or the guide, with the names that it leaves to its reader.

    A block may show a thing with `async` and without. Only the statements with `async` run in an
    event loop.
    """
    names = {"model": model, "prompt": "why", "rows": range(3)}
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    for statement in compile(code, "block", "exec", flags | ast.PyCF_ONLY_AST).body:
        compiled = compile(ast.Module([statement], []), "block", "exec", flags)
        run = types.FunctionType(compiled, names)
        if compiled.co_flags & inspect.CO_COROUTINE:
            asyncio.run(run())
        else:
            run()
