"""The decorator that every HTTP endpoint of the engine has, and the JSON form of an error."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from ..errors import StreamError
from ..instruments import ERRORS
from ..log.outages import AWAY, outage, unanswered
from ..wire import sse
from .access import demand_login
from .draining import draining
from .origins import allow_origin
from .sessions import Handshake

View = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How the engine serves an endpoint.

    `view` is the view that `endpoint` returned, without any decorator around it.
    `any_host` says whether the endpoint answers requests with any Host header.
    `websocket` is the ASGI application for the WebSockets at the endpoint's address, if any.
    `late_body` says whether the view reads the body of a request itself, with `read_late`.
    """

    view: View
    any_host: bool = False
    websocket: Any = None
    late_body: bool = False


def endpoint_of(view: View) -> Endpoint | None:
    """Return how the engine serves a view, or None if the view is not an endpoint.

    A decorator that uses `functools.wraps` returns an endpoint, too.
    """
    found = getattr(view, "endpoint", None)
    return found if isinstance(found, Endpoint) else None


def endpoint(
    *methods: str, any_host: bool = False, websocket: Any = None, late_body: bool = False
) -> Callable[[View], View]:
    """Return a decorator that makes an async view an endpoint for these HTTP methods.

        @endpoint("GET")
        async def count(request, name):
            stream = await find(name)
            return JsonResponse({"pieces": stream.pieces})

    The endpoint answers HEAD where it answers GET, and OPTIONS always. Any other method gets the
    status 405. A `StreamError` that the view raises becomes a JSON response with the error's
    `status` and `detail`. Other errors go through to the handler.

    `streams_application` calls an endpoint in the event loop, without Django's middleware: see
    `StreamHandler`. With `any_host` the Host header of a request is not checked against
    ALLOWED_HOSTS: the Host header of a health probe is the address of a machine. `websocket` is the
    ASGI application for the WebSockets at the same address: see `Consumer.as_view`.

    A body may have DATA_UPLOAD_MAX_MEMORY_SIZE bytes, and has come when the view is called. With
    `late_body` the view is called before that. The view can then refuse a request whose body nobody
    needs, and reads the body with `read_late`. Such a body may have STREAM_MAX_BODY bytes.

    Other decorators may stand above this one or in the URLconf, if they support asynchronous views,
    as Django's do. They decide about WebSockets, too: see `WebSockets`. A decorator below this one
    decides about HTTP requests alone.

    Where LoginRequiredMiddleware is in MIDDLEWARE, the endpoint demands a login, with status 401.
    Django's `login_not_required` lifts the demand:

        @login_not_required
        @endpoint("GET")
        async def count(request, name): ...

    The headers of each response tell caches not to store the response, tell proxies not to buffer
    it, and let pages of the origins in STREAM_ALLOWED_ORIGINS read it.

    The response may be any of Django's whose body needs no synchronous iterator.

    Raises TypeError without methods and for a view without `async`, and ValueError for a method
    that is not in capitals.
    """
    if not methods or callable(methods[0]):
        raise TypeError('Name the methods of the endpoint: @endpoint("GET").')
    if wrong := [method for method in methods if not method.isupper()]:
        raise ValueError(f"Write the methods of an endpoint in capitals: not {wrong[0]!r}.")

    def decorate(view: View) -> View:
        name = getattr(view, "__qualname__", repr(view))
        if not iscoroutinefunction(view):
            raise TypeError(f"The endpoint {name} is not asynchronous. Write `async def`.")

        @wraps(view)
        async def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            response: HttpResponseBase
            if isinstance(request, Handshake):
                await demand_login(request)
                return HttpResponse(status=HTTPStatus.SWITCHING_PROTOCOLS)
            if request.method == "OPTIONS":
                response = HttpResponse(headers={"Allow": ", ".join(methods)})
            elif request.method not in methods and not (
                request.method == "HEAD" and "GET" in methods
            ):
                response = refusal(
                    405, f"{request.method} is not allowed here. Use {' or '.join(methods)}."
                )
                response["Allow"] = ", ".join(methods)
            else:
                try:
                    if not any_host:  # The health checks of a process that ends go on.
                        draining.refuse()
                    await demand_login(request)
                    response = await view(request, *args, **kwargs)
                    if not isinstance(response, HttpResponseBase):
                        raise TypeError(
                            f"The endpoint {name} returned {response!r:.40}. "
                            "Return an HttpResponse."
                        )
                except StreamError as error:
                    response = refusal_of(error, request)
                except AWAY as error:
                    outage.tell(error)
                    response = refusal_of(unanswered(error), request)
            headers = response.headers
            # no-transform keeps proxies from recoding the events (RFC 9111, section 5.2.2.6).
            events = headers.get("Content-Type") == sse.CONTENT_TYPE
            headers["Cache-Control"] = "no-cache, no-transform" if events else "no-store"
            # nginx and some other proxies would hold the pieces back until a buffer is full.
            headers["X-Accel-Buffering"] = "no"
            allow_origin(request, response)
            return response

        # Views that change something check the request themselves: its token or its CSRF cookie.
        marked: Any = csrf_exempt(answer)
        marked.endpoint = Endpoint(marked, any_host, websocket, late_body)
        return marked  # type: ignore[no-any-return]

    return decorate


def refusal_of(error: StreamError, request: HttpRequest | None = None) -> HttpResponse:
    """Return a `StreamError` as JSON, with the header Retry-After where a retry may help.

    An EventSource gets an event stream instead, where a retry may help: see `later`.
    """
    ERRORS.labels(type(error).__name__).inc()
    if error.retry_after is not None and request is not None and is_event_source(request):
        return later(error)
    response = refusal(error.status, error.detail)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    return response


def is_event_source(request: HttpRequest) -> bool:
    """Return whether the EventSource of a browser sent the request.

    An EventSource accepts nothing but an event stream (WHATWG HTML, section 9.2.2), while the
    clients of the engine accept JSON, too. Browsers add the Sec-Fetch headers, which no page can
    set, where they reach the site by TLS or on their own machine (Fetch Metadata, section 2).
    """
    accepts = request.META.get("HTTP_ACCEPT")
    return accepts == sse.CONTENT_TYPE and "HTTP_SEC_FETCH_MODE" in request.META


def later(error: StreamError) -> HttpResponse:
    r"""Return an event stream that ends at once, and makes an EventSource come back later.

    An EventSource gives up for good when the status is 429 or 503. It reconnects, with its cursor,
    after a response that ends, and waits for the time in `retry` (WHATWG HTML, section 9.2.3). The
    event `refused` tells the page why: `{"status": 429, "detail": "…"}`.
    """
    assert error.retry_after is not None
    why = json.dumps({"status": error.status, "detail": error.detail}, ensure_ascii=False)
    body = sse.retry(error.retry_after * 1000) + sse.event(why, name="refused")
    return HttpResponse(body, content_type=sse.CONTENT_TYPE)


def refusal(status: int, detail: str) -> JsonResponse:
    """Return an error as JSON: `{"detail": "What was wrong, and what would be right."}`."""
    headers = {"Cache-Control": "no-store"}
    if status == HTTPStatus.UNAUTHORIZED:
        # A 401 has to name an authentication scheme (RFC 9110, section 15.5.2).
        headers["WWW-Authenticate"] = "Bearer"
    return JsonResponse(
        {"detail": detail},
        status=status,
        headers=headers,
        json_dumps_params={"ensure_ascii": False},
    )
