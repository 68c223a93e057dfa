"""A stream that is deleted while people watch it: each viewer is told, and nobody waits."""

from contextlib import ExitStack
from urllib.parse import urlencode

from tests.engine.people import CSRF, introduce
from tests.engine.publisher import Publisher
from tests.inside import streams
from tests.marks import EVERY_SERVER
from tests.raw import events, http, websocket
from tests.site import Site, SiteMaker

REASON = "The stream was deleted."


def delete(site: Site, publisher: Publisher, name: str) -> None:
    """Delete a stream in the admin."""
    pk = publisher.call(streams.primary_key, name)
    answer = http.ask(
        site.address,
        f"/en/admin/streams/stream/{pk}/delete/",
        method="POST",
        headers={
            **introduce(publisher)["staff"].form,
            "Content-Type": "application/x-www-form-urlencoded",
        },
        body=urlencode({"csrfmiddlewaretoken": CSRF, "post": "yes"}).encode(),
    )
    assert answer.status == 302


@EVERY_SERVER
def test_viewers_of_a_stream_that_is_deleted_in_the_admin_are_told(make_site: SiteMaker, on: str):
    site = make_site(servers=[on]).start()
    with ExitStack() as stack:
        publisher = Publisher(site.env)
        stack.callback(publisher.kill)
        source = publisher.open()
        source.write("first ")
        path = f"/stream/{source.name}"
        poll, chunked, sse = (stack.enter_context(http.Connection(site.address)) for _ in range(3))
        poll.send(f"{path}/polling?after=1&wait=60")
        for connection, kind in ((chunked, "chunked"), (sse, "events")):
            connection.send(f"{path}/{kind}")
            assert http.read_head(connection.file).status == 200
        socket = stack.enter_context(websocket.connect(site.address, f"{path}/ws"))
        assert '"first "' in socket.read().text
        delete(site, publisher, source.name)
        answer = http.read_response(poll.file).json
        assert (answer["state"], answer["reason"]) == ("failed", REASON)
        # The transport for bare text has no record of an end, whatever the end is.
        assert b"".join(part for part, _ in http.read_chunks(chunked.file)) == b"first "
        last = events.parse(b"".join(part for part, _ in http.read_chunks(sse.file)))[-1]
        assert ("event", "end") in last.fields
        assert REASON in dict(last.fields)["data"]
        texts = [frame.text for frame in socket.frames() if frame.opcode == websocket.TEXT]
        assert REASON in texts[-1]
        # Who comes back is refused, and gives up.
        for kind in ("polling", "chunked", "events"):
            assert http.get(site.address, f"{path}/{kind}").status == 404
        with websocket.connect(site.address, f"{path}/ws") as again:
            assert again.closed() == 4404
