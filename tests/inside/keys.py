"""A policy that knows users by a key in a header, beside those with a session."""

from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest

from streamsite.streams import Forbidden, Policy, Stream, viewer_link

User = get_user_model()


class KeyPolicy(Policy):
    """The header `Authorization: Key <username>` makes a request the user's."""

    def user(self, request: HttpRequest) -> Any:
        scheme, _, username = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Key":
            return User.objects.get(username=username)
        return super().user(request)

    def publisher(self, request: HttpRequest, name: str) -> Any:
        return super().publisher(request, name) or self.user(request)

    def may_watch(self, request: HttpRequest, stream: Stream) -> bool:
        if stream.name.startswith("closed-"):
            raise Forbidden("This stream is closed for today.")
        return super().may_watch(request, stream)


def link(name: str, expires: float) -> str:
    return viewer_link(name, expires=expires)
