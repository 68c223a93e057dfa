"""The pages of a project whose views raise the errors of the engine."""

from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

from ..errors import StreamError
from .endpoints import refusal_of


class StreamErrorMiddleware(MiddlewareMixin):
    """Answer with the status of the `StreamError` that a view has raised.

        MIDDLEWARE = [..., "streamsite.streams.http.pages.StreamErrorMiddleware"]

    The answer is the one of the engine's endpoints: JSON with a `detail`, and Retry-After where a
    retry may help. So a view that calls `start` needs no `try` for a name that is in use (409), or
    for a process that is about to end (503). Without the middleware Django answers with status 500,
    and logs a traceback.
    """

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return refusal_of(error, request) if isinstance(error, StreamError) else None
