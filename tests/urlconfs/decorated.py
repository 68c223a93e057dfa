"""A URLconf whose endpoints and consumers have decorators of Django and of the project."""

from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required, permission_required
from django.http import Http404, HttpResponse
from django.urls import path

from streamsite.streams import endpoint

from .mounted import Repeater


def asynchronous(view: Any) -> Any:
    """Let only foxes in."""

    @wraps(view)
    async def decorated(request: Any, name: str) -> Any:
        return await view(request, name) if name == "fox" else HttpResponse(status=403)

    return decorated


def synchronous(view: Any) -> Any:
    """Let only foxes in, without `async`."""

    @wraps(view)
    def decorated(request: Any, name: str) -> Any:
        return view(request, name) if name == "fox" else HttpResponse(status=403)

    return decorated


def hidden(view: Any) -> Any:
    """Let only foxes in, and tell others that there is nothing."""

    @wraps(view)
    async def decorated(request: Any, name: str) -> Any:
        if name != "fox":
            raise Http404
        return await view(request, name)

    return decorated


@endpoint("GET")
async def greet(request: Any, name: str) -> HttpResponse:
    return HttpResponse(f"hello {name}")


async def raw_application(scope: Any, receive: Any, send: Any) -> None:
    """Accept a WebSocket, without a consumer of the engine."""
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.close", "code": 1000, "reason": None})


@endpoint("GET", websocket=raw_application)
async def raw(request: Any, name: str) -> HttpResponse:
    return HttpResponse(name)


members = login_required
allowed = permission_required("streams.view_stream", raise_exception=True)

urlpatterns = [
    path("raw/<str:name>", raw),
    path("raw-members/<str:name>", members(raw)),
    path("members/<str:name>", members(greet)),
    path("members-ws/<str:name>", members(Repeater.as_view())),
    path("allowed/<str:name>", allowed(greet)),
    path("allowed-ws/<str:name>", allowed(Repeater.as_view())),
    path("asynchronous/<str:name>", asynchronous(greet)),
    path("asynchronous-ws/<str:name>", asynchronous(Repeater.as_view())),
    path("synchronous/<str:name>", synchronous(greet)),
    path("synchronous-ws/<str:name>", synchronous(Repeater.as_view())),
    path("hidden/<str:name>", hidden(greet)),
    path("hidden-ws/<str:name>", hidden(Repeater.as_view())),
]
