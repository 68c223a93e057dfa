"""Streams that the tests of the live pages publish."""

import json
import re
from itertools import count

import pytest

from tests.engine.people import Person
from tests.raw import http
from tests.site import SERVERS, Server, Site

LANGUAGES = {"zh": "", "en": "/en"}
WORDS = ["流式", "输出 ", "goes ", "out\n", "piece ", "by ", "piece 👩‍💻, ", "é.\n"]

_numbers = count(1)

ON_EVERY_SERVER = pytest.mark.parametrize("live_site", SERVERS, indirect=True)


def new_name() -> str:
    return f"shown-{next(_numbers)}"


def put(
    server: Server, person: Person, name: str, *, query: str = "", **body: object
) -> http.Response:
    """Publish over HTTP, so that the producer runs in the server. The list shows the stream."""
    if "visibility" not in query:
        query = f"?visibility=public&{query.removeprefix('?')}"
    response = http.ask(
        server.address,
        f"/stream/{name}/pieces{query}",
        method="POST",
        headers={"Content-Type": "application/json", **person.bearer},
        body=json.dumps({"pieces": WORDS, **body}).encode(),
    )
    assert response.status == 202, response.text
    return response


def get(site: Site, target: str, person: Person | None = None) -> http.Response:
    return http.ask(site.address, target, headers=dict(person.cookies) if person else {})


def listed(html: str) -> list[str]:
    """Return the names of the streams in the HTML of a list."""
    return re.findall(r'<li data-key="([^"]+)"', html)
