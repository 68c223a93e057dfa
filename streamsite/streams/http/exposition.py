"""The page of the metrics, for Prometheus.

    from streamsite.streams import metrics

    urlpatterns += [path("metrics", metrics)]

The setting STREAM_METRICS says who may read the page. Under several worker processes the page has
the metrics of all of them where PROMETHEUS_MULTIPROC_DIR names a folder: see
https://prometheus.github.io/client_python/multiprocess/.
"""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_not_required
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse

from ..conf import setting
from ..instruments import WANTED
from ..log.database import in_database
from ..loops import PerLoop
from ..models import Stream
from ..workers import metrics_folder
from .clients import parse_address
from .endpoints import endpoint

if TYPE_CHECKING:
    from prometheus_client.registry import CollectorRegistry

# Seconds for which the number of streams is kept. Counting a million streams takes 0.1 s.
STREAMS_SECONDS = 15.0
# Seconds that the database may take to count. After that the page leaves the number out.
STREAMS_TIMEOUT = 2.0
# What proxies say of the client. A request with one of these came through a proxy.
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_FORWARDED", "HTTP_VIA")


@login_not_required
@endpoint("GET", any_host=True)
async def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics of this process, or of all workers, in the text format of Prometheus."""
    if not WANTED or not may_read(request):
        # The same answer as at an address where there is nothing.
        raise Http404
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    counted = await streams_counter().read()
    # In a thread, because the files of many workers take some milliseconds.
    page = await asyncio.to_thread(lambda: generate_latest(registry()) + streams_page(counted))
    return HttpResponse(page, content_type=CONTENT_TYPE_LATEST)


def may_read(request: HttpRequest) -> bool:
    """Return whether STREAM_METRICS lets the client of a request read the metrics.

    A client is internal if its address is one of the machine or of a private network, and if no
    proxy has passed the request on.
    """
    if setting("STREAM_METRICS") == "on":
        return True
    address = parse_address(str(request.META.get("REMOTE_ADDR", "")))
    return (
        setting("STREAM_METRICS") == "internal"
        and address is not None
        and address.is_private
        and not any(name in request.META for name in FORWARDED)
    )


def registry() -> "CollectorRegistry":
    """Return the metrics of this process, or of all workers that share a folder."""
    from prometheus_client import REGISTRY, CollectorRegistry
    from prometheus_client.multiprocess import MultiProcessCollector

    folder = metrics_folder()
    if not folder:
        return REGISTRY
    forget_the_dead(Path(folder))
    shared = CollectorRegistry()
    MultiProcessCollector(shared, folder)  # type: ignore[no-untyped-call]
    return shared


def forget_the_dead(folder: Path) -> None:
    """Remove the gauges of workers that have ended. What they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rpartition("_")[2]
        if pid.isdecimal() and not alive(int(pid)):
            file.unlink(missing_ok=True)


def alive(pid: int) -> bool:
    """Return whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


class StreamsCounter:
    """The number of streams by state, counted in the database from time to time."""

    def __init__(self) -> None:
        self._counted: dict[str, int] = {}
        self._at = float("-inf")
        self._lock = asyncio.Lock()

    async def read(self) -> dict[str, int]:
        """Return the number of streams by state, or nothing while the database does not answer."""
        now = asyncio.get_running_loop().time
        async with self._lock:
            if now() - self._at > STREAMS_SECONDS:
                self._counted = {}
                with suppress(Exception):  # The metrics count the errors of the database.
                    async with asyncio.timeout(STREAMS_TIMEOUT):
                        self._counted = await in_database(count_streams)
                    self._at = now()
        return self._counted


streams_counter = PerLoop(StreamsCounter)


def count_streams() -> dict[str, int]:
    """Return the number of streams by state."""
    rows = Stream.objects.order_by().values_list("state").annotate(Count("pk"))
    return dict.fromkeys(Stream.State.values, 0) | dict(rows)


def streams_page(counted: dict[str, int]) -> bytes:
    """Return the numbers of streams in the text format. Each worker would count the same ones."""
    from prometheus_client import CollectorRegistry, generate_latest
    from prometheus_client.core import GaugeMetricFamily

    family = GaugeMetricFamily("streamsite_streams", "Streams in the database.", labels=["state"])
    for state, number in counted.items():
        family.add_metric([state], number)

    class Collector:
        def collect(self) -> Any:
            yield family

    found = CollectorRegistry()
    found.register(Collector())
    return generate_latest(found) if counted else b""
