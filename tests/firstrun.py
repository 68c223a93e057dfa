"""Check a site that starts for the first time: `python -m tests.firstrun HOST PORT`.

Wait until the site answers, request the article in both languages, and read the article's stream to
its end over all four transports.
"""

import sys

from .raw import http
from .transfers import TRANSFERS
from .waiting import wait_until


def answers(address: tuple[str, int]) -> bool:
    try:
        return http.get(address, "/healthz").status == 200
    except OSError:
        return False


def main(host: str, port: str) -> None:
    address = (host, int(port))
    # The first start installs the packages, makes the database and collects the static files.
    wait_until(lambda: answers(address), "the site answers", patience=300)
    for path, language in (("/", 'lang="zh-hans"'), ("/en/", 'lang="en"')):
        page = http.get(address, path)
        assert page.status == 200, f"{path}: {page}"
        assert language in page.body.decode(), f"{path} is not in its language"
        print(f"{path}: {len(page.body)} bytes")
    texts = {name: "".join(transfer(address).texts) for name, transfer in TRANSFERS.items()}
    for name, text in texts.items():
        print(f"{name}: {len(text)} characters")
    assert len(set(texts.values())) == 1, "the transports gave different texts"
    assert texts["polling"], "the transports gave no text"


if __name__ == "__main__":
    main(*sys.argv[1:])
