"""Work that the engine does once for all viewers."""

from itertools import product

import msgpack
import redis

from tests.inside import streams
from tests.site import Site
from tests.valkey import Valkey
from tests.waiting import PATIENCE, wait_until

from .publisher import Publisher
from .reading import TRANSPORTS, Reader


def test_a_commit_rings_once_for_viewers_on_all_servers_and_transports(
    own_site: Site, own_publisher: Publisher, valkey: Valkey, at_once
):
    own_publisher.call(streams.ring_patiently)
    source = own_publisher.open()
    places = list(product(TRANSPORTS, own_site.servers, range(2)))
    readers = [Reader(source.name) for _ in places]
    reading = [
        at_once.submit(reader.read, transport, server.address)
        for reader, (transport, server, _) in zip(readers, places, strict=True)
    ]
    source.write("first ")
    wait_until(lambda: all(reader.texts for reader in readers), "all have the first piece")
    with redis.Redis.from_url(valkey.url) as keys, keys.pubsub() as rings:
        rings.psubscribe("*streams.*")
        assert rings.get_message(timeout=PATIENCE)["type"] == "psubscribe"
        for text in ("one ", "two ", "three "):
            source.write(text)
        source.end()
        heard = []
        while not heard or heard[-1]["end"] is None:
            message = msgpack.unpackb(rings.get_message(timeout=PATIENCE)["data"])
            # Listeners announce their streams in between.
            if message["type"] != "streams.listen":
                heard.append(message)
    # A ring may wait until the next one is merged into it, and the first piece may ring late.
    told = [(ring["n"], ring["end"] is not None) for ring in heard]
    assert told == sorted(set(told)), told
    assert set(told) <= {(1, False), (2, False), (3, False), (4, False), (4, True)}
    for future in reading:
        reader = future.result()
        assert reader.texts == ["first ", "one ", "two ", "three "]
        assert reader.state == "done"
