"""The admin of streams: long texts, files with a text, and who may stop a stream."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from streamsite.streams import Forbidden, Policy, Stream, publish
from streamsite.streams.testing import read
from streamsite.streams.testing_plugin import streams  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("streams", "without_static_files"),
]

ADD = "/en/admin/streams/stream/add/"
LONG = {
    "ASCII": "A line of a build log.\n" * 130_000,
    "Chinese": "结合实例，讲流式输出。\n" * 25_000,
}


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("staff"))
    client.defaults |= {"HTTP_HOST": "localhost"}
    return client


def publish_text(text: str, **options: Any) -> Stream:
    with publish("text", **options) as stream:
        for start in range(0, len(text), 50_000):
            stream.write(text[start : start + 50_000])
    return Stream.objects.get(name="text")


def address(stream: Stream, page: str = "change") -> str:
    return f"/en/admin/streams/stream/{stream.pk}/{page}/"


def form(**changes: Any) -> dict[str, Any]:
    """Return the fields of a form as a browser sends the form."""
    fields = {"title": "", "visibility": "link", "owner": "", "split": "word", "pace": "0.1"}
    return {**fields, "format": "text", "name": "", **changes}


def file_of(text: str | bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("text.txt", text.encode() if isinstance(text, str) else text)


def errors(page: str) -> str:
    return " ".join(re.findall(r'<ul class="errorlist".*?</ul>', page, re.DOTALL))


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_the_title_of_a_long_text_can_be_changed(staff: Client, text: str):
    stream = publish_text(text)
    page = staff.get(address(stream)).text
    assert "<textarea" not in page
    assert f"These are the first 1,000 of {len(text):,} characters." in page
    assert len(page) < 50_000
    # As a browser does, with all fields of the form.
    assert staff.post(address(stream), form(title="Nightly")).status_code == 302
    after = Stream.objects.get(name="text")
    assert (after.title, after.revision, after.sha256) == ("Nightly", 0, stream.sha256)


def test_a_long_text_can_be_read_as_a_whole(staff: Client):
    text = LONG["Chinese"]
    stream = publish_text(text)
    link = re.search(r'href="(/en/admin/[^"]*/text/)"', staff.get(address(stream)).text)[1]
    answer = staff.get(link)
    assert answer.text == text
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Disposition"] == 'inline; filename="text.txt"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert staff.get(address(stream, "text").replace(str(stream.pk), "4711")).status_code == 404


def test_the_whole_text_is_only_for_users_who_may_view_the_stream(staff: Client):
    stream = publish_text("one")
    other = User.objects.create_user("other", is_staff=True)
    staff.force_login(other)
    assert staff.get(address(stream, "text")).status_code == 403
    other.user_permissions.set(Permission.objects.filter(codename="view_stream"))
    assert staff.get(address(stream, "text")).text == "one"
    page = staff.get(address(stream)).text
    assert 'type="file"' not in page
    assert "<textarea" not in page


def test_a_long_text_is_replaced_by_a_file(staff: Client):
    stream = publish_text(LONG["ASCII"])
    text = LONG["Chinese"] + "last\r\nline\r"
    assert staff.post(address(stream), form(split="line", file=file_of(text))).status_code == 302
    found = read("text")
    assert found.text == text
    assert found.end.revision == 1
    assert found.pieces[-2:] == ["last\r\n", "line\r"]


def test_a_long_text_is_split_in_another_way(staff: Client):
    text = LONG["Chinese"]
    stream = publish_text(text)
    assert staff.post(address(stream), form(split="line")).status_code == 302
    assert read("text").pieces == text.splitlines(keepends=True)


def test_a_stream_is_added_from_a_file(staff: Client):
    text = LONG["ASCII"]
    assert "multipart/form-data" in staff.get(ADD).text
    answer = staff.post(ADD, form(name="added", split="line", text="", file=file_of(text)))
    assert answer.status_code == 302
    assert read("added").text == text


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        (b"ok \xff", "see byte 3"),
        (b"a\x00b", "NUL"),
        (b"", "empty"),
        (b"x" * 41, "The file has 41 bytes. A stream has at most 10 characters."),
        (b"x" * 11, "The limit is 10."),
    ],
)
def test_a_file_that_is_no_text_of_a_stream_is_refused(
    staff: Client, settings, file: bytes, problem: str
):
    settings.STREAM_MAX_LENGTH = 10
    page = staff.post(ADD, form(name="text", text="", file=file_of(file))).text
    assert problem in errors(page)
    assert not Stream.objects.filter(name="text").exists()


def test_an_edited_text_and_a_file_are_refused(staff: Client):
    stream = publish_text("one two")
    page = staff.post(address(stream), form(text="one", file=file_of("three"))).text
    assert "Edit the text or choose a file." in errors(page)
    unedited = form(text="one two", file=file_of("three"))
    assert staff.post(address(stream), unedited).status_code == 302
    assert read("text").text == "three"


def test_a_stream_that_ends_while_its_form_is_open_keeps_its_text(staff: Client):
    with publish("text", keep=timedelta(days=1)) as source:
        source.write("one two")
        stream = source.stream
        # A browser sends the fields that it has been given.
        sent = set(re.findall(r'name="(\w+)"', staff.get(address(stream)).text))
    fields = {name: value for name, value in form(title="New").items() if name in sent}
    assert "text" not in fields
    before = Stream.objects.get(name="text")
    assert staff.post(address(stream), fields).status_code == 302
    after = Stream.objects.get(name="text")
    assert after.title == "New"
    assert (after.revision, after.expires_at) == (0, before.expires_at)
    assert read("text").text == "one two"
    invalid = staff.post(address(stream), fields | {"title": "x" * 201}).text
    assert "one two</textarea>" in invalid


def test_saving_in_a_language_whose_times_have_no_seconds_keeps_the_moment_of_removal(
    staff: Client,
):
    moment = datetime(2999, 12, 31, 12, 34, 56, tzinfo=UTC)
    stream = publish_text("one")
    Stream.objects.update(expires_at=moment)
    chinese = address(stream).removeprefix("/en")
    sent = dict(re.findall(r'name="(expires_at_\d)" value="([^"]*)"', staff.get(chinese).text))
    assert len(sent) == 2
    assert staff.post(chinese, form(title="New", text="one", **sent)).status_code == 302
    after = Stream.objects.get(name="text")
    assert (after.title, after.expires_at) == ("New", moment)


@pytest.mark.parametrize(
    ("keep", "shown"),
    [(timedelta(days=1), "1 day"), (timedelta(hours=12), "12:00:00"), ("forever", "for ever")],
)
def test_the_page_of_a_live_stream_says_how_long_it_is_kept_and_shows_no_empty_facts(
    staff: Client, keep: timedelta | str, shown: str
):
    with publish("text", keep=keep) as source:
        page = staff.get(address(source.stream)).text
    assert f'<div class="readonly">{shown}</div>' in page
    assert "SHA-256" not in page
    assert "SHA-256" in staff.get(address(source.stream)).text


# Deleting.


def test_before_a_deletion_the_page_lists_streams_and_not_the_rows_that_keep_them(staff: Client):
    with publish("text") as source:
        for number in range(3):
            source.write(f"{number} ")
            source.flush()
        page = staff.get(address(source.stream, "delete")).text
    listed = re.findall(r"<li>(?!<)(.*?)</li>", page)
    link = f'<a href="{address(source.stream)}">text</a>'
    assert listed == ["Streams: 1", f"Stream: {link}"]


def test_streams_are_deleted_only_by_users_who_may(staff: Client):
    stream = publish_text("one")
    other = User.objects.create_user("other", is_staff=True)
    other.user_permissions.set(Permission.objects.filter(codename="view_stream"))
    staff.force_login(other)
    assert staff.post(address(stream, "delete"), {"post": "yes"}).status_code == 403
    other.user_permissions.set(Permission.objects.filter(codename="delete_stream"))
    assert staff.post(address(stream, "delete"), {"post": "yes"}).status_code == 302
    assert not Stream.objects.filter(name="text").exists()


# Stopping.


def stop_in_admin(client: Client, stream: Stream) -> str:
    """Stop a stream by the action of the list, and return the next page."""
    fields = {"action": "stop_streams", "_selected_action": [stream.pk]}
    return client.post("/en/admin/streams/stream/", fields, follow=True).text


def test_the_admin_says_that_there_was_no_live_stream_to_stop(staff: Client):
    assert "None of the selected streams is live." in stop_in_admin(staff, publish_text("one"))


class OnlyOwners(Policy):
    def may_stop(self, request, stream):
        return stream.owner_id == request.user.pk


class Never(Policy):
    def may_stop(self, request, stream):
        raise Forbidden("This stream may not be stopped.")


class ByToken(Policy):
    def user(self, request):
        raise Forbidden("Send a token.")


@pytest.mark.parametrize(
    ("policy", "state"), [(OnlyOwners, "live"), (Never, "live"), (ByToken, "stopped")]
)
def test_the_policy_may_keep_the_admin_from_stopping(staff: Client, settings, policy, state):
    settings.STREAM_POLICY = f"{__name__}.{policy.__name__}"
    with publish("text") as source:
        page = stop_in_admin(staff, source.stream)
        assert Stream.objects.get(name="text").state == state
    refused = "You may not stop 1 stream. The policy of this site refuses." in page
    assert refused == (state == "live")


def test_only_a_user_with_the_change_permission_may_stop(staff: Client, settings):
    other = User.objects.create_user("other", is_staff=True)
    other.user_permissions.set(Permission.objects.filter(codename="view_stream"))
    settings.STREAM_POLICY = f"{__name__}.OnlyOwners"
    staff.force_login(other)
    with publish("text", owner=other) as source:
        stop_in_admin(staff, source.stream)
        assert Stream.objects.get(name="text").live
        other.user_permissions.set(Permission.objects.filter(codename__endswith="_stream"))
        stop_in_admin(staff, source.stream)
        assert not Stream.objects.get(name="text").live


BUTTON = re.compile(r'<form method="post" action="(/\S+/stop/)">(.*?)</form>', re.DOTALL)


def press_stop(client: Client, stream: Stream) -> str:
    """Press the button on the page of a stream, as a browser does, and return the next page."""
    action, fields = BUTTON.search(client.get(address(stream)).text).groups()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', fields)[1]
    return client.post(action, {"csrfmiddlewaretoken": token}, follow=True).text


def test_a_live_stream_is_stopped_on_its_page(staff: Client):
    browser = Client(enforce_csrf_checks=True, **staff.defaults)
    browser.force_login(User.objects.get(username="staff"))
    with publish("text") as source:
        source.write("one")
        stop = address(source.stream, "stop")
        assert browser.post(stop).status_code == 403
        assert browser.get(stop).status_code == 405
        assert Stream.objects.get(name="text").live
        page = press_stop(browser, source.stream)
    assert "1 stream was stopped." in page
    assert not BUTTON.search(page)
    after = Stream.objects.get(name="text")
    assert (after.state, after.reason, after.text) == ("stopped", "Stopped by staff.", "one")
    assert "Stopped text." in browser.get(address(after, "history")).text
    # Somebody else ended the stream while the page was open.
    assert "The stream has ended already." in staff.post(stop, follow=True).text


def test_the_page_of_a_stream_offers_to_stop_it_in_chinese(staff: Client):
    with publish("text") as source:
        page = staff.get(address(source.stream).removeprefix("/en")).text
    assert "停止这条流" in BUTTON.search(page)[2]


def test_only_who_may_stop_a_stream_gets_the_button_on_its_page(staff: Client, settings):
    other = User.objects.create_user("other", is_staff=True)
    other.user_permissions.set(Permission.objects.filter(codename="view_stream"))
    viewer = Client(**staff.defaults)
    viewer.force_login(other)
    with publish("text") as source:
        stop = address(source.stream, "stop")
        assert BUTTON.search(staff.get(address(source.stream)).text)
        assert not BUTTON.search(viewer.get(address(source.stream)).text)
        assert viewer.post(stop).status_code == 403
        assert "/login/" in Client(**staff.defaults).post(stop)["Location"]
        settings.STREAM_POLICY = f"{__name__}.OnlyOwners"
        assert not BUTTON.search(staff.get(address(source.stream)).text)
        assert "You may not stop 1 stream." in staff.post(stop, follow=True).text
        assert Stream.objects.get(name="text").live
    assert staff.post(stop.replace(str(source.stream.pk), "4711")).status_code == 404
