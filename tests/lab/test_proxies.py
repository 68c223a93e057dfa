"""The imitation of nginx holds back what nginx holds back."""

from concurrent.futures import ThreadPoolExecutor

from tests.nginx import Certificate, Nginx
from tests.raw import http

from .visitor import Visitor

# As Debian's configuration comes, so with HTTP/1.0 to the server and with buffering.
CONFIGURATION = """
server {
    listen @PLAIN@;
    listen @PORT@ ssl;
    ssl_certificate @CHAIN@;
    ssl_certificate_key @KEY@;
    location / { proxy_pass http://UPSTREAM; proxy_set_header Host $http_host; }
}
"""
BUFFER = 4096


def blocks(address: tuple[str, int], visitor: Visitor, path: str, host: str) -> list[int]:
    """Return the sizes of the blocks in which a plain stream of events arrives."""
    target = f"/lab/runs/{visitor.id}/sse/plain/{path}/events"
    answer = http.ask(address, target, headers={**visitor.headers, "Host": host})
    assert answer.status == 200
    return [len(chunk) for chunk in answer.chunks]


def test_nginx_and_its_imitation_pass_on_blocks_of_the_same_size(site, tmp_path):
    upstream = "{}:{}".format(*site.address)
    nginx = Nginx(
        tmp_path, CONFIGURATION.replace("UPSTREAM", upstream), Certificate(tmp_path)
    ).start()
    try:
        visitor = Visitor(site.address).start(rate=200, size=100, seconds=2, listeners=2)
        with ThreadPoolExecutor(2) as pool:
            real = pool.submit(blocks, nginx.plain_address, visitor, "direct", upstream)
            imitated = pool.submit(blocks, site.address, visitor, "nginx", upstream)
        *real_blocks, rest = real.result()
        *imitated_blocks, other_rest = imitated.result()
        # nginx keeps the head of the response in its first buffer.
        head = -real_blocks[0] % BUFFER
        assert 0 <= head < 500
        # A proxy that has to wait for its turn passes on several buffers at once.
        assert not any(size % BUFFER for size in (*real_blocks[1:], *imitated_blocks))
        assert min(real_blocks[1:]) == min(imitated_blocks) == BUFFER
        buffers = (head + sum(real_blocks) + rest) // BUFFER
        assert (sum(imitated_blocks) + other_rest) // BUFFER in (buffers, buffers - 1)
        visitor.leave()
    finally:
        nginx.stop()
