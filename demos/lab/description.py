"""A run as its page gets it: the server's account of it, and the addresses of its panels."""

import secrets
from dataclasses import asdict
from typing import Any

from django.urls import reverse

from .account import now
from .panels import TRANSPORTS
from .runs import Run

# Names this server process. Another name says that the process was restarted, or is another one.
PROCESS = secrets.token_hex(3)


def described(run: Run, after: int, *, texts: bool = False) -> dict[str, Any]:
    """Return what the page shows of a run, with the pieces from number `after` on."""
    answer = {
        "id": run.id,
        "now": now(),
        "started": run.started,
        "process": PROCESS,
        "adopted": run.adopted,
        "state": run.state,
        "options": None if run.options is None else asdict(run.options),
        **given(run, after),
        "stream": stream(run),
        "connections": [row.as_json() for row in run.rows.values()],
        "events": run.events.all,
        "slow": [reader.as_json() for reader in run.slow],
        "stream_name": run.id,
        **addresses(run),
    }
    return {**answer, "texts": run.given.texts[after:]} if texts else answer


def given(run: Run, after: int) -> dict[str, Any]:
    """Return the pieces that both ways were given, and at the end the hash of the whole text."""
    over = run.state == "ended" and not run.adopted
    return {
        "first": after,
        "pieces": run.given.since(after),
        "count": len(run.given.times),
        "plain_over": run.plain_over,
        "length": run.given.length,
        "sha256": run.given.sha256 if over else None,
    }


def stream(run: Run) -> dict[str, Any]:
    """Return what the engine has told of the stream."""
    if run.end is None:
        end = {"state": "live", "reason": "", "pieces": run.pieces, "sha256": ""}
    else:
        end = {
            "state": run.end.state,
            "reason": run.end.reason,
            "pieces": run.end.n,
            "sha256": run.end.sha256,
        }
    return {**end, "length": run.length}


def addresses(run: Run) -> dict[str, Any]:
    """Return the addresses below which the endpoints of the panels are, and their template."""
    base = reverse("lab:run", args=[run.id])
    return {
        "addresses": {
            source: {name: f"{base}/{name}/{source}/direct" for name in TRANSPORTS.values()}
            for source in ("engine", "plain")
        },
        "address": base + "/{panel}/{source}/{path}",
    }
