"""The Kubernetes resources hold the tested configurations, and start a Collector as a pod would."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.pipeline.collectors import CONFIGS, ROOT
from tests.pipeline.conftest import Starts, made
from tools import kubernetes

RESOURCES: Final = {resource["metadata"]["name"]: resource for _, resource in kubernetes.resources()}
COLLECTORS: Final = {"agent": RESOURCES["tierscope-agent"], "gateway": RESOURCES["tierscope-gateway"]}
CRDS: Final = os.environ.get("OPERATOR_CRDS")


def own_metrics(config: dict[str, Any]) -> dict[str, Any]:
    """Take the address of a Collector's own metrics out of a configuration, and return it."""
    return config["service"]["telemetry"]["metrics"]["readers"].pop()["pull"]["exporter"]["prometheus"]


def test_the_gateways_configuration_is_the_tested_file() -> None:
    """Every word of it, but for the address of its own metrics."""
    tested = yaml.safe_load((CONFIGS / "gateway.yaml").read_text())
    held = yaml.safe_load(yaml.safe_dump(COLLECTORS["gateway"]["spec"]["config"]))
    assert own_metrics(tested).keys() == own_metrics(held).keys() == {"host", "port"}
    assert held == tested


def test_the_agents_configuration_is_the_tested_file_with_its_overlay() -> None:
    """The overlay changes where gateways are looked for, and nothing else."""
    tested = yaml.safe_load((CONFIGS / "agent.yaml").read_text())
    overlay = yaml.safe_load((CONFIGS / "overlays" / "gateways-by-dns.yaml").read_text())
    held = yaml.safe_load(yaml.safe_dump(COLLECTORS["agent"]["spec"]["config"]))
    own_metrics(tested), own_metrics(held)
    assert held["exporters"]["load_balancing"].pop("resolver") == overlay["exporters"]["load_balancing"]["resolver"]
    tested["exporters"]["load_balancing"].pop("resolver")
    assert held == tested


def test_the_resources_are_up_to_date() -> None:
    assert kubernetes.main("--check") == 0


def test_a_stale_resource_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in kubernetes.RESOURCES.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text().replace("max_stale: 24h", "max_stale: 5m"))
    monkeypatch.setattr(kubernetes, "RESOURCES", tmp_path)
    assert kubernetes.main("--check") == 1


@pytest.mark.parametrize("name", COLLECTORS)
def test_a_collector_takes_the_configuration_of_its_pod(tmp_path: Path, name: str) -> None:
    """`validate` by the real Collector, with the variables that the resource sets."""
    spec = COLLECTORS[name]["spec"]
    env = {one["name"]: one["value"] for one in spec["env"] if "value" in one}
    one = made(tmp_path / name, over=yaml.safe_dump(spec["config"]), **{**env, "TIERSCOPE_QUEUE": str(tmp_path)})
    done = one.validate()
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", COLLECTORS)
def test_every_variable_that_a_pod_sets_is_one_of_its_configuration(name: str) -> None:
    """A name that is spelt wrong would be ignored; `GOMEMLIMIT` is Go's own."""
    spec = COLLECTORS[name]["spec"]
    asked = set(re.findall(r"\$\{env:(\w+)", yaml.safe_dump(spec["config"])))
    assert {one["name"] for one in spec["env"]} - {"GOMEMLIMIT"} - asked == set()


@pytest.mark.parametrize("name", COLLECTORS)
def test_go_is_told_of_the_pods_memory(name: str) -> None:
    """Four fifths of the limit, as the memory limiter has it."""
    spec = COLLECTORS[name]["spec"]
    (told,) = [one["value"] for one in spec["env"] if one["name"] == "GOMEMLIMIT"]
    limit = {"Mi": 1, "Gi": 1024}[spec["resources"]["limits"]["memory"][-2:]]
    assert int(told.removesuffix("MiB")) == int(0.8 * limit * int(spec["resources"]["limits"]["memory"][:-2]))


def test_the_agents_send_where_the_gateways_listen() -> None:
    """The operator names a resource's services `NAME-collector` and `NAME-collector-headless`."""
    agent = {one["name"]: one.get("value") for one in COLLECTORS["agent"]["spec"]["env"]}
    gateway = {one["name"]: one.get("value") for one in COLLECTORS["gateway"]["spec"]["env"]}
    meta = COLLECTORS["gateway"]["metadata"]
    service, port = f"{meta['name']}-collector", gateway["TIERSCOPE_OTLP_GRPC"].rpartition(":")[2]
    place = f"{meta['namespace']}.svc.cluster.local"
    assert agent["TIERSCOPE_GATEWAY"] == f"{service}.{place}:{port}"
    assert agent["TIERSCOPE_GATEWAYS_DNS"] == f"{service}-headless.{place}"
    assert agent["TIERSCOPE_GATEWAYS_PORT"] == port


@pytest.mark.parametrize("name", COLLECTORS)
def test_the_operator_opens_the_ports_that_are_listened_on(name: str) -> None:
    """It takes them from the text of the configuration: the first `:port` of an endpoint, a default in our files."""
    spec = COLLECTORS[name]["spec"]
    env = {one["name"]: one.get("value") for one in spec["env"]}
    protocols = spec["config"]["receivers"]["otlp"]["protocols"]
    for protocol, variable in (("grpc", "TIERSCOPE_OTLP_GRPC"), ("http", "TIERSCOPE_OTLP_HTTP")):
        read = re.search(r":(\d+)", protocols[protocol]["endpoint"])
        assert read is not None
        assert env[variable] == f"0.0.0.0:{read[1]}"


def test_the_applications_send_to_the_agents() -> None:
    meta, spec = COLLECTORS["agent"]["metadata"], RESOURCES["tierscope"]["spec"]
    assert spec["exporter"]["endpoint"] == f"http://{meta['name']}-collector.{meta['namespace']}.svc.cluster.local:4318"


def test_the_images_are_built_from_what_is_here() -> None:
    """No image can be built in this suite; what the two Dockerfiles copy must at least exist."""
    for file in (kubernetes.RESOURCES / "Dockerfile", kubernetes.RESOURCES / "Dockerfile.collector"):
        copied = re.findall(r"^COPY (?!--from)(.+) \S+$", file.read_text(), re.MULTILINE)
        assert copied
        assert [name for names in copied for name in names.split() if not (ROOT / name).exists()] == []


def test_the_schemas_of_the_operator_have_no_objection() -> None:
    """`OPERATOR_CRDS` names config/crd/bases of a checkout of opentelemetry-operator."""
    if CRDS is None:
        pytest.skip("OPERATOR_CRDS names no checkout of the operator's custom resource definitions")
    assert list(kubernetes.faults(Path(CRDS))) == []


def test_the_agent_of_a_pod_starts(starts: Starts) -> None:
    """Its gateways are nowhere to be found here: it starts all the same, and keeps what it takes in its queue."""
    agent = starts(
        over=yaml.safe_dump(_local(COLLECTORS["agent"]["spec"]["config"])), TIERSCOPE_GATEWAYS_DNS="localhost"
    )
    assert agent.is_healthy


def _local(config: dict[str, Any]) -> dict[str, Any]:
    held = yaml.safe_load(yaml.safe_dump(config))
    own_metrics(held)
    held["service"]["telemetry"] = {"metrics": {"level": "none"}}
    return held
