"""What all of the engine's HTTP endpoints have in common."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from ..errors import StreamError
from ..wire import sse
from .origins import allow_origin

View = Callable[..., Any]


def endpoint(*methods: str) -> Callable[[View], View]:
    """Make an async view an endpoint for these methods.

    What it refuses by raising a `StreamError` becomes JSON with that status and a `detail`. No
    answer is cached, held back by a proxy's buffer, or read by a page of an unknown origin.
    """

    def decorate(view: View) -> View:
        @csrf_exempt  # Those that change something check for themselves: token, or CSRF cookie.
        @wraps(view)
        async def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response: HttpResponseBase
            if request.method == "OPTIONS":
                response = HttpResponse(headers={"Allow": ", ".join(methods)})
            elif request.method not in methods and not (
                request.method == "HEAD" and "GET" in methods
            ):
                response = refusal(
                    405, f"{request.method} is not understood here: use {' or '.join(methods)}."
                )
                response["Allow"] = ", ".join(methods)
            else:
                try:
                    response = await view(request, *args, **kwargs)
                except StreamError as error:
                    response = refusal(error.status, error.detail)
            headers = response.headers
            # WHATWG HTML 9.2.8: a proxy may cache or recode events unless told not to.
            events = headers.get("Content-Type") == sse.CONTENT_TYPE
            headers["Cache-Control"] = "no-cache, no-transform" if events else "no-store"
            # nginx, and what learned from it, would wait for a full buffer.
            headers["X-Accel-Buffering"] = "no"
            allow_origin(request, response)
            return response

        return answer

    return decorate


def refusal(status: int, detail: str) -> JsonResponse:
    """Return an error: what was wrong, and what would be right."""
    headers = {"Cache-Control": "no-store"}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"  # RFC 9110, 15.5.2: it has to say how.
    return JsonResponse(
        {"detail": detail},
        status=status,
        headers=headers,
        json_dumps_params={"ensure_ascii": False},
    )
