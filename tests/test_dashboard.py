"""The alert rules and the dashboard that come with the site: each asks for metrics that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .raw import http
from .site import ROOT, SiteMaker
from .waiting import wait_until

DEPLOY = ROOT / "streamsite" / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
DASHBOARD = DEPLOY / "grafana" / "streamsite.json"
METRIC = re.compile(r"\bstreamsite_\w+")
# What Grafana puts into an expression.
VARIABLES = {"$instance": ".*", "$__rate_interval": "1m"}


@pytest.fixture
def promtool() -> str:
    if not (found := shutil.which("promtool")):
        pytest.skip("There is no promtool: on Debian, `apt-get install prometheus`.")
    return found


@pytest.fixture
def exist(make_site: SiteMaker) -> set[str]:
    """Return the names of all samples that the page may have."""
    site = make_site(STREAM_METRICS="internal").start()

    def page_with_streams() -> str:
        """Return the page, which leaves the streams out while the database does not answer."""
        page = http.get(site.address, "/metrics").text
        return page if "streamsite_streams{" in page else ""

    page = wait_until(page_with_streams, "the page has the number of streams")
    names = set()
    for name, kind in re.findall(r"^# TYPE (\w+) (\w+)$", page, re.MULTILINE):
        names |= (
            {f"{name}_bucket", f"{name}_sum", f"{name}_count"} if kind == "histogram" else {name}
        )
    return names


def dashboard() -> dict[str, Any]:
    return json.loads(DASHBOARD.read_text())


def expressions() -> list[str]:
    """Return the expressions of the dashboard's panels, as Grafana sends them to Prometheus."""
    found = []
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"]
            for variable, value in VARIABLES.items():
                expression = expression.replace(variable, value)
            found.append(expression)
    return found


def check(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_and_the_dashboard_ask_for_metrics_that_exist(exist: set[str]):
    rules = re.findall(r"expr: (?:>-\n(?: +.*\n)+?(?= +labels)|.*)", ALERTS.read_text())
    assert len(rules) == ALERTS.read_text().count("alert:")
    asked = {name for text in [*expressions(), *map(str, rules)] for name in METRIC.findall(text)}
    assert len(asked) > 15
    assert asked <= exist, asked - exist


def test_every_metric_has_a_place_on_the_dashboard(exist: set[str]):
    own = {
        name
        for name in exist
        if name.startswith("streamsite_") and not name.endswith(("_created", "_sum", "_count"))
    }
    assert own <= {name for text in expressions() for name in METRIC.findall(text)}


def test_prometheus_accepts_the_alerts_and_they_fire_as_they_should(promtool: str):
    check(promtool, "check", "rules", ALERTS)
    check(promtool, "test", "rules", ALERTS.with_name("alerts_test.yml"))


def test_prometheus_parses_every_expression_of_the_dashboard(promtool: str, tmp_path: Path):
    rules = [
        {"record": f"panel:{number}", "expr": expression}
        for number, expression in enumerate(expressions())
    ]
    file = tmp_path / "rules.yml"  # JSON is YAML.
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    check(promtool, "check", "rules", file)


def test_the_panels_of_the_dashboard_have_a_place_each():
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        grid = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(grid["x"], grid["x"] + grid["w"])
            for y in range(grid["y"], grid["y"] + grid["h"])
        }
        assert grid["x"] + grid["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["type"] in ("row", "stat", "timeseries")
