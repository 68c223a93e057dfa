"""The page of the metrics, as Prometheus reads it."""

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from .inside import streams, users
from .ports import HOST, free_port
from .raw import http
from .site import SERVERS, Server, Site, SiteMaker, environment, server_command
from .valkey import Valkey
from .waiting import wait_until

TOO_MANY = 429
Samples = dict[tuple[str, str], float]


def samples(address: tuple[str, int]) -> Samples:
    """Return the samples of the page, by name and by the value of the first label."""
    page = http.get(address, "/metrics")
    assert page.status == 200, page.text
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }


@pytest.fixture
def measured(make_site: SiteMaker) -> Site:
    return make_site(STREAM_METRICS="internal").start()


def finished(site: Site, name: str) -> None:
    """Publish a finished stream of three pieces in another process."""
    site.call(streams.publish_values, name, ["a", "b", "c"])


def test_the_metrics_are_off_until_a_setting_allows_them(site: Site):
    assert http.get(site.address, "/metrics").status == 404


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"])
def test_a_request_through_a_proxy_is_not_internal(measured: Site, header: str):
    assert http.get(measured.address, "/metrics").status == 200
    # The proxy runs on the same machine, and says for whom it asks.
    assert http.ask(measured.address, "/metrics", headers={header: "127.0.0.1"}).status == 404


def test_everybody_may_read_metrics_that_are_on(make_site: SiteMaker):
    site = make_site(STREAM_METRICS="on").start()
    assert http.get(site.address, "/metrics", x_forwarded_for="203.0.113.7").status == 200


@pytest.mark.parametrize("server", SERVERS)
def test_the_metrics_count_what_viewers_get(make_site: SiteMaker, server: str):
    site = make_site(servers=[server], STREAM_METRICS="internal").start()
    finished(site, "counted")
    path = "/stream/counted"
    events = http.get(site.address, f"{path}/events")
    chunked = http.get(site.address, f"{path}/chunked")
    polls = [http.get(site.address, f"{path}/polling") for _ in range(2)]
    http.get(site.address, f"{path}/events", last_event_id="2")
    http.get(site.address, f"{path}/events", last_event_id="9")

    def told() -> bool:
        return samples(site.address).get(("streamsite_pieces_delivered_total", "sse")) == 7

    wait_until(told, "the metrics have the pieces of three readers: 3, 1 and 3")
    # A thread makes the page, perhaps while the event loop brings one metric after another up to
    # date. The page of a later request has all of them.
    found = samples(site.address)
    assert found["streamsite_pieces_delivered_total", "chunked"] == 3
    assert found["streamsite_pieces_delivered_total", "polling"] == 6
    last_chunk = len(b"0\r\n\r\n")
    # Daphne gets the bytes with the framing around them.
    assert found["streamsite_bytes_delivered_total", "chunked"] in (
        len(chunked.body),
        len(chunked.wire) - last_chunk,
    )
    assert found["streamsite_bytes_delivered_total", "polling"] == sum(
        len(poll.body) for poll in polls
    )
    assert found["streamsite_bytes_delivered_total", "sse"] > len(events.body)
    assert found["streamsite_viewer_arrivals_total", "sse"] == 3
    assert found["streamsite_viewer_arrivals_total", "polling"] == 2
    assert found["streamsite_resumes_total", "yes"] == 1
    assert found["streamsite_resumes_total", "no"] == found["streamsite_resets_total", ""] == 1
    # The article's stream is in the database from the first start on.
    assert found["streamsite_streams", "done"] == 2
    assert found["streamsite_streams", "live"] == 0
    assert found["streamsite_event_loop_delay_seconds_count", ""] > 0
    assert found["streamsite_database_wait_seconds_count", ""] > 0


def test_the_metrics_count_what_publishers_do_and_what_is_refused(measured: Site):
    headers = {"Authorization": f"Bearer {measured.call(users.make_token, 'publisher')}"}

    def post(path: str, body: object, headers: dict[str, str] = headers) -> int:
        kind = {"Content-Type": "application/json"}
        return http.ask(
            measured.address,
            f"/stream/{path}",
            method="POST",
            headers={**headers, **kind},
            body=json.dumps(body).encode(),
        ).status

    assert post("first/pieces", {"pieces": ["a", "b"]}) == 202
    assert post("first/pieces", {"pieces": ["c"], "end": "done"}) == 202
    assert post("second/pieces", {"pieces": ["d"]}) == 202
    assert [post("second/stop", {}) for _ in range(2)] == [202, 202]
    assert post("second/pieces", {"pieces": ["e"]}) == 409
    assert post("third/pieces", {"pieces": ["f"]}, {"Authorization": "Bearer wrong"}) == 401
    found = samples(measured.address)
    assert found["streamsite_publishes_total", "http"] == 3
    assert found["streamsite_pieces_committed_total", ""] == 4
    assert found["streamsite_commit_seconds_count", ""] >= 3
    assert found["streamsite_ends_total", "done"] == 1
    assert found["streamsite_ends_total", "stopped"] == 1
    assert found["streamsite_stops_total", "yes"] == 1
    assert found["streamsite_stops_total", "no"] == 1
    assert found["streamsite_errors_total", "Ended"] == 1
    assert found["streamsite_errors_total", "Unauthorized"] == 1


def test_the_metrics_name_the_limit_that_refuses(make_site: SiteMaker):
    site = make_site(STREAM_METRICS="internal", STREAM_MAX_VIEWERS_PER_CLIENT="1").start()
    site.call(streams.reserve, "crowded")
    with http.Connection(site.address) as viewer:
        viewer.send("/stream/crowded/events")
        http.read_head(viewer.file)
        assert http.get(site.address, "/stream/crowded/events").status == TOO_MANY
    assert samples(site.address)["streamsite_refusals_total", "client-viewers"] == 1


def test_the_metrics_tell_how_long_rings_take_and_which_are_lost(
    make_site: SiteMaker, valkey: Valkey
):
    site = make_site(
        DJANGO_SETTINGS_MODULE="tests.inside.settings.ringing",
        STREAM_METRICS="internal",
        REDIS_URL=valkey.url,
    ).start()
    headers = {
        "Authorization": f"Bearer {site.call(users.make_token, 'publisher')}",
        "Content-Type": "application/json",
    }

    def publish(name: str) -> None:
        body = json.dumps({"pieces": ["a"], "end": "done"}).encode()
        path = f"/stream/{name}/pieces"
        assert http.ask(site.address, path, method="POST", headers=headers, body=body).status == 202

    publish("heard")
    wait_until(lambda: samples(site.address)["streamsite_ring_seconds_count", ""], "a ring is sent")
    valkey.stop()
    publish("unheard")
    wait_until(lambda: samples(site.address)["streamsite_rings_lost_total", ""], "a ring is lost")
    valkey.start()
    site.server.excuse()


def test_the_metrics_count_the_viewers_who_are_there(measured: Site):
    measured.call(streams.reserve, "awaited")

    def viewers() -> float:
        return samples(measured.address).get(("streamsite_viewers", "sse"), 0)

    with http.Connection(measured.address) as connection:
        connection.send("/stream/awaited/events")
        wait_until(lambda: viewers() == 1, "the viewer is counted")
    wait_until(lambda: viewers() == 0, "the viewer is counted no longer")


def test_the_page_passes_the_check_of_prometheus(measured: Site):
    if not (promtool := shutil.which("promtool")):
        pytest.skip("There is no promtool: on Debian, `apt-get install prometheus`.")
    finished(measured, "checked")
    http.get(measured.address, "/stream/checked/events")
    page = http.get(measured.address, "/metrics").body
    done = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True)
    complaints = [
        line for line in (done.stdout + done.stderr).decode().splitlines() if "streamsite_" in line
    ]
    assert not complaints


def test_one_page_has_the_metrics_of_all_workers_and_no_gauges_of_dead_ones(
    make_site: SiteMaker, tmp_path: Path
):
    site = make_site(STREAM_METRICS="internal", PROMETHEUS_MULTIPROC_DIR=str(tmp_path))
    assert site.manage("migrate").returncode == 0
    site.call(streams.reserve, "shared")
    address = HOST, free_port()
    server = subprocess.Popen(
        server_command("uvicorn", address[1], "streamsite.asgi:application", "--workers", "2"),
        env=environment(site.env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        probe = Server("uvicorn", {}, tmp_path / "none")
        probe.port = address[1]
        wait_until(probe.alive, "the server answers")
        readers = [http.Connection(address) for _ in range(8)]
        for reader in readers:
            reader.send("/stream/shared/events")
            http.read_head(reader.file)

        def told(viewers: int, arrivals: int) -> bool:
            """Return whether the page has both numbers. A worker updates one after the other."""
            now = samples(address)
            names = "streamsite_viewers", "streamsite_viewer_arrivals_total"
            return [now.get((name, "sse"), 0) for name in names] == [viewers, arrivals]

        for _ in range(4):  # Whichever worker answers.
            wait_until(lambda: told(8, 8), "the viewers of both are counted")
        for reader in readers:
            reader.__exit__()
        wait_until(lambda: told(0, 8), "the viewers have left")
        # One worker dies with its viewers, and uvicorn starts another one in its place.
        with http.Connection(address) as reader:
            reader.send("/stream/shared/events")
            http.read_head(reader.file)
            wait_until(lambda: told(1, 9), "the viewer is counted")
            dying = [int(f.stem.rpartition("_")[2]) for f in tmp_path.glob("gauge_livesum_*.db")]
            for pid in dying:
                os.kill(pid, signal.SIGKILL)
            assert reader.file.read() is not None  # to the end of the connection
        wait_until(probe.alive, "a new worker answers")
        assert told(0, 9)
    finally:
        server.terminate()
        server.wait()
