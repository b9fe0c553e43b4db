"""A real Prometheus with our configuration: it stores what an SDK sends under the names that rules read."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from tools.stack.process import free_port

from tierscope import signals

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM: Final = os.environ.get("TIERSCOPE_PROMETHEUS", "")
ROOT: Final = Path(__file__).parents[2]
PROMETHEUS: Final = ROOT / "prometheus"
pytestmark = [
    pytest.mark.skipif(not PROGRAM, reason="TIERSCOPE_PROMETHEUS names no program: `make rules-test` builds one"),
    pytest.mark.xdist_group("prometheus"),
]


@pytest.fixture(scope="module")
def promql() -> Iterator[Any]:
    """The translation, as the generator imports it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        yield importlib.import_module("tools.rules.promql")
        for name in [name for name in sys.modules if name == "tools" or name.startswith("tools.")]:
            del sys.modules[name]


def ask(server: str, path: str, **query: str) -> Any:
    """Ask the API; an error of the server's is its answer."""
    address = f"{server}/api/v1/{path}?{urllib.parse.urlencode(query)}"
    try:
        with urllib.request.urlopen(address, timeout=20) as reply:  # noqa: S310  loopback
            return json.load(reply)["data"]
    except urllib.error.HTTPError as error:
        return error.read().decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with the flags and the configuration that are committed, and an SDK's points in it."""
    data, address = tmp_path_factory.mktemp("data"), f"127.0.0.1:{free_port()}"
    flags = (PROMETHEUS / "flags.txt").read_text("utf-8").split()
    place = [f"--storage.tsdb.path={data / 'tsdb'}", f"--web.listen-address={address}"]
    with (data / "log").open("w") as log:
        process = subprocess.Popen(
            [PROGRAM, f"--config.file={PROMETHEUS / 'prometheus.yml'}", *flags, *place], stdout=log, stderr=log
        )
    try:
        _wait(f"http://{address}/-/ready", data / "log")
        _send(f"http://{address}/api/v1/otlp/v1/metrics")
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(20)


def _wait(address: str, log: Path) -> None:
    for _ in range(150):
        try:
            with urllib.request.urlopen(address, timeout=5):  # noqa: S310  loopback
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(log.read_text("utf-8")[-2000:])


def _send(address: str) -> None:
    """Send one point of each metric that is declared, with every attribute of it."""
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(address), export_interval_millis=3_600_000)
    names = {"service.name": "shop", "service.instance.id": "a", "deployment.environment.name": "prod"}
    provider = MeterProvider([reader], Resource(names))
    meter = provider.get_meter(signals.SCOPE)
    for metric in signals.METRICS:
        attributes = {attribute.key: (attribute.values or ("x",))[0] for attribute in metric.attributes}
        if metric.kind == "counter":
            meter.create_counter(metric.name, metric.unit).add(1, attributes)
        elif metric.kind == "gauge":
            meter.create_gauge(metric.name, metric.unit).set(1, attributes)
        else:
            edges = list(metric.buckets)
            made = meter.create_histogram(metric.name, metric.unit, explicit_bucket_boundaries_advisory=edges)
            made.record(1, attributes)
    assert provider.force_flush()
    provider.shutdown()


def test_every_metric_has_the_name_that_rules_read(server: str, promql: Any) -> None:
    """Declared, sent and stored are the same metrics; with the labels of processes, and those of their attributes."""
    stored = set(ask(server, "label/__name__/values"))
    expected = {name for metric in signals.METRICS for name in promql.names(metric)}
    assert expected - stored == set()
    assert {name for name in stored if name.startswith(("tierscope_", "gen_ai_"))} == expected
    for metric in signals.METRICS:
        (series, *_) = ask(server, "series", **{"match[]": promql.names(metric)[0]})
        labels = set(series) - {"__name__", "le", "job", "instance"}
        processes = {"service_name", "service_instance_id", "deployment_environment_name"}
        assert labels == {promql.label(attribute) for attribute in metric.attributes} | processes


def test_a_bucket_of_otlp_is_found(server: str, promql: Any) -> None:
    """OTLP writes `le="80"` on this version too; the matcher finds it, once."""
    query = promql.select(signals.GENERATION, promql.edge(80), part="bucket")
    assert [one["metric"]["le"] for one in ask(server, "query", query=query)["result"]] == ["80"]


def test_every_rule_can_be_evaluated(server: str) -> None:
    """With points of every metric in it; and the server has loaded them all."""
    files = sorted((PROMETHEUS / "rules").glob("*.yaml"))
    rules = [rule for file in files for group in yaml.safe_load(file.read_text())["groups"] for rule in group["rules"]]
    loaded = [rule for group in ask(server, "rules")["groups"] for rule in group["rules"]]
    assert len(loaded) == len(rules) > 250
    assert [answer for rule in rules if not isinstance(answer := ask(server, "query", query=rule["expr"]), dict)] == []
