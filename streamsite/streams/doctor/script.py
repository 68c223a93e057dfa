"""The script of the elements, without which the pages of the site show no stream."""

from http import HTTPStatus
from urllib.parse import urljoin

import httpx
from django.templatetags.static import static

from .entrance import Entrance
from .findings import Finding, ok, problem

SCRIPT = "streams/stream-output.js"
CHECK = "static files"
SERVE = (
    "Run manage.py collectstatic, and let the proxy or the site serve STATIC_ROOT. Without this "
    "script pages stay empty."
)


async def check_script(entrance: Entrance) -> Finding:
    """Return whether a browser that opens a page of the site gets the script of the elements."""
    try:
        address = urljoin(f"{entrance.url}/", static(SCRIPT))
    except ValueError as error:  # From a storage with hashed names.
        return problem(CHECK, f"{error}.", SERVE)
    # STATIC_URL may name another host, which must not get the headers for this one.
    own = httpx.URL(address).host == httpx.URL(entrance.url).host
    try:
        async with entrance.client(with_headers=own) as client:
            response = await client.get(address)
    except httpx.TransportError as error:
        return problem(
            CHECK, f"{address} gives no answer ({str(error) or type(error).__name__}).", SERVE
        )
    if response.status_code != HTTPStatus.OK:
        return problem(CHECK, f"{address} has the status {response.status_code}.", SERVE)
    kind = response.headers.get("Content-Type", "")
    if "javascript" not in kind.lower():
        return problem(
            CHECK,
            f"{address} has the type {kind!r}, and browsers don't run such a module.",
            "Let the server send text/javascript for .js. nginx: include mime.types;",
        )
    return ok(CHECK, "Pages get the script of <stream-output>.")
