"""Tests with `manage.py test`: `shop/tests.py` of the project."""

# ruff: noqa: PT027 - these tests run without pytest

import json
import threading
from urllib.request import urlopen

from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.db import connections
from django.test import LiveServerTestCase, TestCase, TransactionTestCase
from shop.asgi import application
from shop.views import WORDS, task

from streamsite.streams import publish
from streamsite.streams.models import Stream
from streamsite.streams.testing import StreamsMixin, aread, finish_sources, read

TEXT = "".join(WORDS)


def setUpModule():
    TestsOfBothKinds.threads = set(threading.enumerate())


def tearDownModule():
    left = set(threading.enumerate()) - TestsOfBothKinds.threads
    names = {thread.name for thread in left}
    # asgiref and asyncio keep idle threads.
    assert not [name for name in names if "streams" in name], names


class TestsOfBothKinds(StreamsMixin):
    def setUp(self):
        self.user = User.objects.create_user("ann")

    def test_a_task_publishes_for_a_user_of_the_test(self):
        self.client.force_login(self.user)
        with publish("build", owner=self.user) as stream:
            stream.write("one ")
            # A piece that is written can be read.
            answer = self.client.get("/stream/build/polling").json()
            assert answer["pieces"] == ["one "]
            stream.write("two")
        assert Stream.objects.get(owner=self.user).length == 7
        found = read("build")
        assert (found.text, found.pieces) == ("one two", ["one ", "two"])
        assert found.end.state == "done"
        self.client.logout()
        assert self.client.get("/stream/build/polling").status_code == 404

    def test_the_same_name_has_another_text_in_another_test(self):
        with publish("build") as stream:
            stream.write("three")
        assert read("build").text == "three"
        assert self.client.get("/stream/build/polling").json()["pieces"] == ["three"]

    def test_a_view_reserves_and_its_task_publishes(self):
        with self.captureOnCommitCallbacks(execute=True):
            name = self.client.get("/job").json()["name"]
        assert read(name).text == TEXT
        assert self.client.get(f"/look/{name}").json() == {"state": "done"}

    def test_the_synchronous_client_gets_a_stream_that_has_ended(self):
        self.client.force_login(self.user)
        name = self.client.get("/ask").json()["name"]
        assert self.client.get(f"/stream/{name}/polling").json()["pieces"] == WORDS
        assert Stream.objects.get(name=name).owner == self.user

    def test_a_stream_that_does_not_end_fails_the_test(self):
        with publish("open") as stream:
            stream.write("one")
            with self.assertRaisesRegex(AssertionError, "'open' has not ended within 0.1 s"):
                read("open", within=0.1)

    def test_a_text_is_edited_and_read_again(self):
        task("edited")
        assert read("edited").text == TEXT
        stream = Stream.objects.get(name="edited")
        self.client.force_login(User.objects.create_superuser("root"))
        form = {"title": "", "visibility": "link", "text": "new", "split": "word", "pace": "1"}
        self.client.post(f"/admin/streams/stream/{stream.pk}/change/", form)
        assert read("edited").text == "new"

    def test_as_many_wrong_tokens_as_a_client_may_send(self):
        wrong = {"Authorization": "Bearer wrong"}
        with self.settings(STREAM_MAX_WRONG_TOKENS=1):
            for status in (401, 429):
                answer = self.client.post("/stream/nowhere/pieces", headers=wrong)
                assert answer.status_code == status

    def test_as_many_wrong_tokens_as_a_client_may_send_in_the_next_test(self):
        self.test_as_many_wrong_tokens_as_a_client_may_send()

    async def test_a_source_runs_while_readers_follow(self):
        name = (await self.async_client.get("/ask")).json()["name"]
        chunked = await self.async_client.get(f"/stream/{name}/chunked")
        assert b"".join([part async for part in chunked]).decode() == TEXT
        events = await self.async_client.get(f"/stream/{name}/events")
        body = b"".join([part async for part in events]).decode()
        assert body.count('"text"') == 3
        polling = await self.async_client.get(f"/stream/{name}/polling")
        assert polling.json()["pieces"] == WORDS
        assert (await aread(name)).text == TEXT

    async def test_a_view_that_loops(self):
        response = await self.async_client.get("/loop")
        assert b"".join([part async for part in response]).decode() == TEXT

    async def test_a_websocket_follows_and_stops_an_endless_source(self):
        await self.async_client.aforce_login(self.user)
        name = (await self.async_client.get("/ask?source=endless")).json()["name"]
        cookie = "; ".join(f"{key}={c.value}" for key, c in self.async_client.cookies.items())
        headers = [(b"cookie", cookie.encode()), (b"host", b"testserver")]
        socket = WebsocketCommunicator(application, f"/stream/{name}/ws", headers=headers)
        # By default the tools of Channels wait for a second.
        assert (await socket.connect(timeout=60))[0]
        assert (await socket.receive_json_from(timeout=60))["text"] == "tick "
        await socket.send_json_to({"op": "stop"})
        await finish_sources()
        assert (await aread(name)).end.state == "stopped"
        await socket.disconnect(timeout=60)

    async def test_a_source_that_fails_hides_its_exception(self):
        with self.assertLogs("streamsite", "ERROR"):
            name = (await self.async_client.get("/ask?source=broken")).json()["name"]
            end = (await aread(name)).end
        assert (end.state, end.reason) == ("failed", "The source failed.")

    async def test_synchronous_code_in_an_asynchronous_test(self):
        name = (await self.async_client.get("/ask?source=endless")).json()["name"]
        state = (await self.async_client.get(f"/look/{name}")).json()["state"]
        assert state == "live"
        await sync_to_async(task)("build")
        assert (await aread("build")).text == TEXT
        other = (await sync_to_async(self.client.get)("/ask")).json()["name"]
        assert (await aread(other)).text == TEXT
        with self.assertRaisesRegex(RuntimeError, "await aread"):
            read("build")

    async def test_a_source_may_outlive_its_test(self):
        await self.async_client.get("/ask?source=endless")


class InATransaction(TestsOfBothKinds, TestCase):
    @classmethod
    def setUpTestData(cls):
        task("shared")

    def test_a_stream_of_the_class_is_there_in_each_test(self):
        assert read("shared").text == TEXT

    def test_another_thread_is_told_why_it_sees_nothing(self):
        errors = []

        def run():
            try:
                task("build")
            except RuntimeError as error:
                errors.append(str(error))
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert "Use TransactionTestCase" in errors[0]


class WithoutATransaction(TestsOfBothKinds, TransactionTestCase):
    captureOnCommitCallbacks = TestCase.captureOnCommitCallbacks  # noqa: N815 - Django's name

    def test_a_thread_of_the_project_publishes(self):
        def run():
            try:
                task("build")
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert read("build").text == TEXT

    def test_a_view_publishes_after_its_commit(self):
        name = self.client.get("/job").json()["name"]
        assert read(name).text == TEXT


class OnALiveServer(StreamsMixin, LiveServerTestCase):
    def get(self, path):
        with urlopen(self.live_server_url + path) as response:
            return json.load(response)

    def test_every_kind_of_view(self):
        for path in ("/ask", "/job"):
            name = self.get(path)["name"]
            assert self.get(f"/stream/{name}/polling")["pieces"] == WORDS
            assert read(name).text == TEXT
            assert self.get(f"/look/{name}") == {"state": "done"}
