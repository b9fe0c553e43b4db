"""`compose.yaml` and Grafana's provisioning: pinned, complete, and made of the configurations that are tested."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tools.stack import prometheus, stack

ROOT: Final = Path(__file__).parents[2]
SERVICES: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]
VOLUMES: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["volumes"]
MOUNTS: Final = [
    pytest.param(name, mount, id=f"{name}-{mount.split(':')[1].strip('/').replace('/', '-')}")
    for name, service in SERVICES.items()
    for mount in service.get("volumes", [])
]


def loaded(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text("utf-8"))


def mounted(service: str) -> dict[str, str]:
    """Return the places of a service's files in this checkout, by their places inside."""
    mounts = [mount.split(":") for mount in SERVICES[service]["volumes"]]
    return {inside: outside.removeprefix("./") for outside, inside, *_ in mounts if outside.startswith(".")}


def files(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder, or the one file, by their places in it."""
    found = [folder] if folder.is_file() else [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.suffix != ".md"}


def test_the_parts_are_there() -> None:
    """The demo only where it is asked for."""
    assert set(SERVICES) == {"collector", "prometheus", "tempo", "grafana", "demo"}
    assert [name for name, service in SERVICES.items() if service.get("profiles")] == ["demo"]


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_pinned_by_its_tag(name: str) -> None:
    """By a version; `latest` is none."""
    assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*", SERVICES[name]["image"])


@pytest.mark.parametrize(("name", "mount"), MOUNTS)
def test_what_is_mounted_exists(name: str, mount: str) -> None:
    """A file or folder of this checkout, read-only; or a volume that is declared."""
    source, _, *mode = mount.split(":")
    if source.startswith("."):
        assert (ROOT / source).exists()
        assert mode == ["ro"]
    else:
        assert source in VOLUMES


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_the_loopbacks(name: str) -> None:
    assert [port for port in SERVICES[name].get("ports", []) if not port.startswith("127.0.0.1:")] == []


def test_the_collector_is_of_the_version_that_is_tested() -> None:
    version = loaded("collector-config/builder.yaml")["dist"]["version"]
    assert SERVICES["collector"]["image"].endswith(f":{version}")


def test_the_collectors_variables_are_known_to_its_configuration() -> None:
    """A misspelt one would be silent."""
    text = (ROOT / "collector-config" / "gateway.yaml").read_text("utf-8")
    known = set(re.findall(r"\$\{env:(\w+)", text))
    assert set(SERVICES["collector"]["environment"]) <= known


def test_prometheus_is_started_as_it_is_tested() -> None:
    """With the flags of every runner, and of the version that the tools are built from."""
    flags = (ROOT / "prometheus" / "flags.txt").read_text("utf-8").split()
    assert [flag for flag in flags if flag not in SERVICES["prometheus"]["command"]] == []
    pins = (ROOT / "tools" / "go" / "prometheus" / "go.mod").read_text("utf-8")
    minor = re.search(r"github.com/prometheus/prometheus v0\.3(\d+)\.(\d+)", pins)
    assert minor is not None
    assert SERVICES["prometheus"]["image"].endswith(f":v3.{minor[1]}.{minor[2]}")


def test_every_place_that_prometheus_reads_is_mounted() -> None:
    """Rules, own rules, and a file for each job's addresses."""
    told = loaded("prometheus/prometheus.yml")
    for pattern in told["rule_files"]:
        assert f"/etc/prometheus/{Path(pattern).parent}" in mounted("prometheus")
    files = [file for job in told["scrape_configs"] for one in job["file_sd_configs"] for file in one["files"]]
    assert [file for file in files if not (ROOT / "compose" / file).exists()] == []


def configurations(process: stack.Process) -> Iterator[Path]:
    """Yield the files that a Collector is started with."""
    yield from (Path(file) for flag, file in itertools.pairwise(process.command) if flag == "--config")


def test_what_is_mounted_is_what_make_stack_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's configuration, Prometheus' and its rules; the programs need not be built to tell."""
    monkeypatch.setattr(stack, "built", Path)
    monkeypatch.setattr(prometheus, "built", Path)
    made = stack.Stack(tmp_path)
    (flag,) = SERVICES["collector"]["command"]
    inside = flag.removeprefix("--config=")
    for gateway in made.gateways:
        assert list(configurations(gateway)) == [ROOT / mounted("collector")[inside]]
    places = {inside: outside for inside, outside in mounted("prometheus").items() if not inside.endswith("/targets")}
    assert sorted(places) == [f"/etc/prometheus/{name}" for name in ("own", "prometheus.yml", "rules")]
    for inside, outside in places.items():
        assert files(ROOT / outside) == files(tmp_path / "prometheus" / "config" / Path(inside).name)
    flags = [word for word in made.prometheus.process.command if word.startswith("--")]
    ours = {"--config.file", "--storage.tsdb.path", "--web.listen-address"}
    command = SERVICES["prometheus"]["command"]
    assert [word for word in flags if word.partition("=")[0] not in ours and word not in command] == []


def test_every_job_has_an_address_of_its_own() -> None:
    """The same files of addresses as those that the tested configuration reads."""
    assert sorted(files(ROOT / "compose" / "targets")) == sorted(files(ROOT / "prometheus" / "targets"))


def test_nobody_is_alerted_twice() -> None:
    """Prometheus tells nobody: it has no Alertmanager. Grafana has the alerts itself, and shows its own alone."""
    assert "alerting" not in loaded("prometheus/prometheus.yml")
    assert [name for name, service in SERVICES.items() if "alertmanager" in service["image"]] == []
    assert loaded("grafana/provisioning/alerting/tierscope.yaml")["groups"]
    sources = loaded("grafana/provisioning/datasources/tierscope.yaml")["datasources"]
    assert [one["jsonData"]["manageAlerts"] for one in sources if one["type"] == "prometheus"] == [False]


def test_tempo_listens_where_it_is_asked_and_sent_to() -> None:
    """Spans by OTLP over HTTP from the Collector, questions from Grafana."""
    told = loaded(mounted("tempo")["/etc/tempo.yaml"])
    endpoint = told["distributor"]["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    sent = SERVICES["collector"]["environment"]["TIERSCOPE_TRACES_URL"]
    assert sent == f"http://tempo:{endpoint.rpartition(':')[2]}/v1/traces"
    sources = {
        one["uid"]: one["url"] for one in loaded("grafana/provisioning/datasources/tierscope.yaml")["datasources"]
    }
    assert sources["tempo"] == f"http://tempo:{told['server']['http_listen_port']}"


def test_addresses_lead_to_services() -> None:
    """Every host that a configuration of the stack names is a service of it, or the machine itself."""
    texts = [
        *((ROOT / "compose" / "targets").glob("*.yaml")),
        ROOT / "grafana" / "provisioning" / "datasources" / "tierscope.yaml",
        ROOT / "compose.yaml",
    ]
    hosts = {
        host
        for path in texts
        for host in re.findall(r"(?:https?://|targets: \[)([\w.-]+):\d+", path.read_text("utf-8"))
    }
    assert hosts - {"127.0.0.1"} <= set(SERVICES)
    assert {"collector", "prometheus", "tempo"} <= hosts


def test_data_sources_have_fixed_names() -> None:
    """By which exemplars find their traces."""
    sources = {one["uid"]: one for one in loaded("grafana/provisioning/datasources/tierscope.yaml")["datasources"]}
    assert set(sources) == {"prometheus", "tempo"}
    (leads,) = sources["prometheus"]["jsonData"]["exemplarTraceIdDestinations"]
    assert leads["datasourceUid"] in sources


def test_dashboards_are_provisioned_from_where_they_are_mounted() -> None:
    """And cannot be changed there: they are generated."""
    (provider,) = loaded("grafana/provisioning/dashboards/tierscope.yaml")["providers"]
    assert mounted("grafana")[provider["options"]["path"]] == "grafana/dashboards"
    assert mounted("grafana")["/etc/grafana/provisioning"] == "grafana/provisioning"
    assert provider["allowUiUpdates"] is False
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / "grafana" / "dashboards" / Path(home).name).exists()


def test_the_demo_sends_to_the_collector() -> None:
    """Over a port that the Collector listens on."""
    told, collector = SERVICES["demo"]["environment"], SERVICES["collector"]["environment"]
    port = collector["TIERSCOPE_OTLP_HTTP"].rpartition(":")[2]
    assert told["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://collector:{port}"


def test_the_demo_sends_as_it_does_to_make_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same exporters and protocol; only the address differs."""
    monkeypatch.setattr(stack, "built", Path)
    monkeypatch.setattr(prometheus, "built", Path)
    told = {**SERVICES["demo"]["environment"], "OTEL_EXPORTER_OTLP_ENDPOINT": ""}
    sent = {**stack.Stack(tmp_path).application_env, "OTEL_EXPORTER_OTLP_ENDPOINT": ""}
    assert {key: told.get(key) for key in sent} == sent
