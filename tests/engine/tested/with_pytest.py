"""Tests with pytest-django and pytest-asyncio: `test_shop.py` of the project."""

import json
import threading
from urllib.request import urlopen

import pytest
from shop.views import WORDS

from streamsite.streams import end_of, publish
from streamsite.streams.models import Stream
from streamsite.streams.testing import aread, finish_sources, read

TEXT = "".join(WORDS)

pytestmark = pytest.mark.usefixtures("streams")


@pytest.fixture(autouse=True, scope="session")
def _no_thread_is_left():
    yield
    assert not [thread for thread in threading.enumerate() if "streams" in thread.name]


def publish_and_read(client, user):
    client.force_login(user)
    with publish("build", owner=user) as stream:
        stream.write("one ")
        assert client.get("/stream/build/polling").json()["pieces"] == ["one "]
        stream.write("two")
    assert Stream.objects.get(owner=user).length == 7
    assert read("build").text == "one two"
    name = client.get("/ask").json()["name"]
    assert client.get(f"/stream/{name}/polling").json()["pieces"] == WORDS


@pytest.mark.django_db
def test_a_task_publishes_in_the_transaction_of_the_test(client, django_user_model):
    publish_and_read(client, django_user_model.objects.create_user("ann"))


@pytest.mark.django_db(transaction=True)
def test_a_task_publishes_without_a_transaction(client, django_user_model):
    publish_and_read(client, django_user_model.objects.create_user("ann"))


@pytest.mark.django_db
def test_the_same_name_has_another_text_in_another_test(client):
    with publish("build") as stream:
        stream.write("three")
    assert read("build").text == "three"


@pytest.mark.django_db
def test_a_task_after_a_commit(client, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        name = client.get("/job").json()["name"]
    assert read(name).text == TEXT


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio
async def test_a_source_runs_while_readers_follow(async_client):
    name = (await async_client.get("/ask")).json()["name"]
    chunked = await async_client.get(f"/stream/{name}/chunked")
    assert b"".join([part async for part in chunked]).decode() == TEXT
    assert (await async_client.get(f"/look/{name}")).json() == {"state": "done"}
    assert (await aread(name)).text == TEXT
    # A synchronous view, in whose thread a task publishes.
    name = (await async_client.get("/job")).json()["name"]
    assert (await aread(name)).text == TEXT


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio
async def test_a_source_is_waited_for(async_client):
    name = (await async_client.get("/ask")).json()["name"]
    await finish_sources()
    assert (await async_client.get(f"/stream/{name}/polling")).json()["pieces"] == WORDS


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio
async def test_who_waits_for_the_end_of_a_source_learns_how_it_ended(async_client):
    name = (await async_client.get("/ask")).json()["name"]
    end = await end_of(name)
    assert (end.state, end.n) == ("done", len(WORDS))
    assert await end_of(name) == end


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio
async def test_a_source_may_outlive_its_test(async_client):
    await async_client.get("/ask?source=endless")


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("n", [1, 2])
async def test_an_event_loop_may_outlive_its_test(async_client, n):
    assert await Stream.objects.acount() == 0
    name = (await async_client.get("/ask?source=endless")).json()["name"]
    with pytest.raises(AssertionError, match=r"1 sources have not ended within 0\.1 s"):
        await finish_sources(within=0.1)
    with pytest.raises(AssertionError, match=r"has not ended within 0\.1 s"):
        await aread(name, within=0.1)


@pytest.mark.django_db(transaction=True, reset_sequences=True)
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("word", ["one", "two"])
async def test_streams_of_the_same_id_have_the_pieces_of_their_test(async_client, word):
    async with publish("build") as stream:
        await stream.write(word)
        answer = await async_client.get("/stream/build/polling")
        assert answer.json()["pieces"] == [word]


@pytest.mark.django_db
@pytest.mark.asyncio
async def test_an_asynchronous_test_in_a_transaction_is_told_what_to_use():
    with pytest.raises(RuntimeError, match=r"django_db\(transaction=True\)"):
        async with publish("build"):
            pass


def test_a_live_server(live_server):
    def get(path):
        with urlopen(live_server.url + path) as response:
            return json.load(response)

    for path in ("/ask", "/job"):
        name = get(path)["name"]
        assert get(f"/stream/{name}/polling")["pieces"] == WORDS
        assert read(name).text == TEXT
