"""All processes stand still for longer than a lease, as in a virtual machine that is moved."""

import signal

from tests.engine.publisher import Publisher
from tests.inside import streams
from tests.raw import http
from tests.site import SiteMaker
from tests.waiting import wait_until


def test_a_stream_outlives_a_pause_of_its_producer_and_of_the_server(make_site: SiteMaker):
    site = make_site().start()
    publisher = Publisher(site.env)
    try:
        source = publisher.open("paused")
        source.write("before ")
        with http.Connection(site.address) as viewer:
            viewer.send("/stream/paused/chunked")
            # A server that counts viewers looks after their streams.
            wait_until(lambda: publisher.call(streams.viewers, "paused"), "the viewer is counted")
            site.server.send(signal.SIGSTOP)
            publisher.signal(signal.SIGSTOP)
            wait_until(lambda: not site.call(streams.leased, "paused"), "the lease has run out")
            # The server goes on before the producer can renew its lease.
            site.server.send(signal.SIGCONT)
            answer = http.get(site.address, "/stream/paused/polling")
            publisher.signal(signal.SIGCONT)
            assert answer.json["state"] == "live"
            source.write("after")
            assert source.end()["stopped"] is False
            http.read_head(viewer.file)
            text = b"".join(chunk for chunk, _ in http.read_chunks(viewer.file))
        assert text == b"before after"
    finally:
        publisher.kill()
