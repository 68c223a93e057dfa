"""How many worker processes the server of this process runs, where this can be known.

A worker of uvicorn and of granian has the command line of its server in `sys.argv` (read in uvicorn
0.54 and granian 2.8). Nothing tells a server of other servers behind the same proxy.
"""

import os
import re
import sys
from collections.abc import Mapping, Sequence

from django.conf import settings

from .conf import setting

IN_MEMORY = "channels.layers.InMemoryChannelLayer"


def unconnected_workers() -> str:
    """Return a sentence if the server runs several workers and no channel layer connects them.

    Return "" if a channel layer connects the workers, or nothing tells that there are several.
    """
    layer = getattr(settings, "CHANNEL_LAYERS", {}).get("default", {})
    workers = workers_of(sys.argv, os.environ)
    if workers == 1 or layer.get("BACKEND", IN_MEMORY) != IN_MEMORY:
        return ""
    return (
        f"The server runs {workers} workers, and no channel layer connects them. Readers see the "
        "pieces of another worker's streams only at the heartbeat."
    )


def workers_of(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Return how many workers the command line and the environment of a server ask for, or 1.

        workers_of(["/bin/uvicorn", "--workers", "4", "shop.asgi:application"], {})  # 4
        workers_of(["manage.py", "check"], {"WEB_CONCURRENCY": "2"})                 # 2

    uvicorn and gunicorn read WEB_CONCURRENCY, and granian reads GRANIAN_WORKERS. The names of the
    options are the same on all three.
    """
    line = " ".join(arguments)
    found = re.search(r"(?:uvicorn|gunicorn|granian)\b.* (?:--workers[ =]|-w ?)(\d+)(?: |$)", line)
    if found:
        return int(found[1])
    name = "GRANIAN_WORKERS" if "granian" in line else "WEB_CONCURRENCY"
    number = environment.get(name, "")
    return int(number) if number.isdecimal() else 1


def metrics_folder() -> str:
    """Return the folder in which the workers share their metrics, or "".

    `prometheus_client` reads the variable, too, when it is imported.
    """
    return os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")


def uncounted_workers() -> str:
    """Return a sentence if the page of the metrics shows one of several workers, or ""."""
    workers = workers_of(sys.argv, os.environ)
    if workers == 1 or metrics_folder() or setting("STREAM_METRICS") == "off":
        return ""
    return f"The server runs {workers} workers, and the page of the metrics shows one of them."
