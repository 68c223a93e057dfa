"""Stopping a stream in Python. tests/engine/test_stopping.py has the other ways."""

import pytest
from asgiref.sync import async_to_sync

from streamsite.streams import NoSuchStream, Stream, reserve, stop
from streamsite.streams.testing_plugin import streams  # noqa: F401 - a fixture

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("streams")]


@pytest.mark.parametrize("given", [lambda stream: stream, lambda stream: stream.name])
def test_a_stream_is_stopped_by_itself_and_by_its_name(given):
    stream = reserve("build")
    assert async_to_sync(stop)(given(stream), "Enough.")
    found = Stream.objects.get(name="build")
    assert (found.state, found.reason) == ("stopped", "Enough.")
    assert not async_to_sync(stop)(given(stream))


def test_a_name_that_no_stream_has_is_refused():
    with pytest.raises(NoSuchStream):
        async_to_sync(stop)("nowhere")
