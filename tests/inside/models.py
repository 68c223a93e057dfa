"""What the model of a stream tells: its text, its page, and which streams a user may see."""

import asyncio
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.test import RequestFactory

from streamsite.streams import Stream, StreamQuerySet, find, log, policy


def texts(name: str) -> tuple[str, str]:
    """Return the text of a stream as code without `async` reads it, and as code with it does."""

    async def text() -> str:
        return await (await find(name)).atext()

    return Stream.objects.get(name=name).text, asyncio.run(text())


def addresses(name: str) -> tuple[str, str]:
    """Return the address that readers take, and the address of the page."""
    stream = log.find(name)
    return stream.url, stream.get_absolute_url()


def names(streams: StreamQuerySet) -> list[str]:
    return sorted(streams.values_list("name", flat=True))


def states(prefix: str) -> dict[str, list[str]]:
    """Return the names of the live and of the ended streams whose names begin with `prefix`."""
    streams = Stream.objects.filter(name__startswith=prefix)
    return {"live": names(streams.live()), "ended": names(streams.ended())}


def seen(prefix: str) -> dict[str, tuple[list[str], list[str], list[str]]]:
    """Return what each of several users sees of the streams whose names begin with `prefix`.

    For each user: the streams that a list shows, the streams that the policy lists for a request
    of the user, and the streams that the user may watch by their addresses.
    """
    users = get_user_model().objects
    inactive = users.get(username="owner")
    inactive.is_active = False
    people: dict[str, AbstractBaseUser | AnonymousUser | None] = {
        "owner": users.get(username="owner"),
        "staff": users.get(username="staff"),
        "stranger": users.get(username="stranger"),
        "anonymous": AnonymousUser(),
        "nobody": None,
        "inactive": inactive,
        "unsaved": get_user_model()(),
    }
    found = {}
    for who, user in people.items():
        request: Any = RequestFactory().get("/")
        request.user = user or AnonymousUser()
        streams = Stream.objects.filter(name__startswith=prefix)
        found[who] = (
            names(streams.visible_to(user)),
            names(policy().listed(request).filter(name__startswith=prefix)),
            [stream.name for stream in streams.order_by("name") if stream.watchable_by(user)],
        )
    return found
