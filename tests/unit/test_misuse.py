"""What a developer gets for an argument that is wrong: at once, and by a sentence."""

import math
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import SynchronousOnlyOperation
from django.core.management.base import CommandError
from django.http import HttpRequest, JsonResponse

from streamsite.streams import (
    BadRequest,
    end_of,
    endpoint,
    follow,
    log,
    play,
    publish,
    reserve,
    start,
    stop,
    texts,
    viewer_link,
)
from streamsite.streams.management.commands.follow import Command
from streamsite.streams.models import Stream
from streamsite.streams.reading.hub import hub
from streamsite.streams.testing_plugin import streams  # noqa: F401 - a fixture

ENDED = Stream(pk=1, name="build", state=Stream.State.DONE)


@pytest.mark.parametrize("visibility", ["private", "everyone", "OWNER"])
def test_a_visibility_that_does_not_exist_is_refused_and_opens_no_stream_to_everyone(
    visibility: str,
):
    with pytest.raises(BadRequest, match=r"no visibility '.*'\. Use public, link or owner\."):
        log.create("build", fence="f", lease=6, visibility=visibility)


@pytest.mark.django_db
async def test_reserving_in_asynchronous_code_names_the_function_that_can():
    with pytest.raises(SynchronousOnlyOperation, match=r"Write await areserve\(\)\."):
        reserve()


@pytest.mark.django_db
async def test_publishing_without_async_in_asynchronous_code_is_refused():
    with pytest.raises(SynchronousOnlyOperation, match="Write `async with`"), publish("build"):
        pass


@pytest.mark.parametrize("after", ["foo", "", -3, 1.5, None, True, [17]])
@pytest.mark.parametrize("read", [follow, play])
async def test_a_cursor_that_is_none_is_refused(read: Any, after: Any):
    with pytest.raises(BadRequest, match="cursor"):
        await anext(read(ENDED, after=after))
    assert not hub()._counts, "the reader still counts as a viewer"


@pytest.mark.parametrize("every", [0, -1, "fast", "0.1", None, True, math.nan, math.inf])
async def test_a_pace_that_is_none_is_refused(every: Any):
    with pytest.raises(BadRequest, match=r"every=.* is not valid\. Use a number of seconds"):
        await anext(play(ENDED, every=every))
    assert not hub()._counts, "the reader still counts as a viewer"


@pytest.mark.parametrize("batches", ["build", ENDED])
async def test_the_texts_of_a_name_or_a_stream_are_refused_by_what_would_be_right(batches: Any):
    with pytest.raises(TypeError, match=r'got (str|Stream)\. Write texts\(follow\("build"\)\)\.'):
        await anext(texts(batches))


async def view(request: HttpRequest) -> JsonResponse:
    return JsonResponse({})


def view_without_async(request: HttpRequest) -> JsonResponse:
    return JsonResponse({})


def test_the_decorator_of_endpoints_needs_the_methods():
    with pytest.raises(TypeError, match=r'@endpoint\("GET"\)'):
        endpoint(view)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r'@endpoint\("GET"\)'):
        endpoint()


def test_the_methods_of_an_endpoint_are_in_capitals():
    with pytest.raises(ValueError, match="'get'"):
        endpoint("get")


def test_a_view_without_async_is_no_endpoint():
    with pytest.raises(TypeError, match=r"view_without_async.*async def"):
        endpoint("GET")(view_without_async)
    assert endpoint("GET")(view).endpoint  # type: ignore[attr-defined]


@pytest.mark.parametrize("expires", ["1h", None, True, math.nan, math.inf])
def test_a_viewer_link_that_never_expires_is_refused(expires: Any):
    with pytest.raises((TypeError, ValueError), match=r"expires=.* is not valid"):
        viewer_link("build", expires=expires)


@pytest.mark.parametrize("source", ["example.com/stream/build", "localhost:8000/stream/build"])
def test_an_address_without_its_scheme_is_not_taken_for_a_name(source: str):
    with pytest.raises(CommandError, match=f"Begin the address with its scheme: https://{source}"):
        Command().records(source=source, transport=None, after=0, wait=0)


async def model() -> AsyncIterator[str]:
    yield "one"


@pytest.mark.parametrize("source", [model, ["one"], "one", (text for text in ["one"])])
async def test_a_source_that_is_not_asynchronous_is_refused(source: Any):
    with pytest.raises(TypeError, match=r"start\(\) needs an asynchronous iterable"):
        await start(None, source)


@pytest.mark.parametrize("seconds", [0, -1, "10", True, math.nan, math.inf])
def test_a_time_that_is_none_is_refused(seconds: Any):
    with pytest.raises(BadRequest, match=r"abandon=.* is not valid\. Use a number of seconds"):
        publish(abandon=seconds)
    with pytest.raises(BadRequest, match=r"within=.* is not valid\. Use a number of seconds"):
        reserve(within=seconds)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("streams")
def test_an_owner_who_is_not_in_the_database_is_refused():
    with pytest.raises(BadRequest, match=r"no user with the id 999, .*Save the user first\."):
        reserve("build", owner=User(pk=999))


@pytest.mark.parametrize("title", [None, 17, b"build"])
def test_a_title_that_is_no_text_is_refused(title: Any):
    with pytest.raises(BadRequest, match="The title must be text, not "):
        reserve("build", title=title)


@pytest.mark.parametrize("stream", [17, None, b"build"])
@pytest.mark.parametrize(
    "take", [lambda given: anext(follow(given)), lambda given: anext(play(given)), stop, end_of]
)
async def test_what_is_neither_a_stream_nor_its_name_is_refused(take: Any, stream: Any):
    with pytest.raises(TypeError, match="Pass a Stream, or the name of a stream: not "):
        await take(stream)


def test_an_owner_that_is_no_user_is_refused():
    with pytest.raises(TypeError, match=r"publish\(\) takes a user as `owner`, and got str"):
        publish(owner="alice")  # type: ignore[arg-type]
