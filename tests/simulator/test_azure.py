"""Azure's paths, headers and errors."""

import openai
import pytest

from tierscope.simulator import Deployment, Profile


@pytest.fixture
def cloud(bench_for):
    deployments = {
        "chat-prod": Deployment("gpt-4.1", default_tier="priority", region="East US 2"),
        "ptu": Deployment("gpt-5", spills_to="standard"),
    }
    return bench_for(Profile.fast(deployments=deployments))


def test_deployment_path(cloud):
    """The dated path names the deployment; the reply names the model, the headers both."""
    raw = cloud.azure().chat.completions.with_raw_response.create(model="chat-prod", messages=[])
    assert raw.parse().model == "gpt-4.1-2025-04-14"
    assert raw.headers["x-ms-deployment-name"] == "chat-prod"
    assert raw.headers["x-ms-region"] == "East US 2"
    assert raw.headers["apim-request-id"]
    assert raw.headers["x-ratelimit-reset-tokens"].isdigit()
    row = cloud.row()
    assert (row.provider, row.deployment, row.model, row.served) == ("azure", "chat-prod", "gpt-4.1", "priority")


def test_v1_path_with_the_plain_client(cloud):
    """`OpenAI(base_url=…/openai/v1)` is Azure too."""
    client = cloud.openai(base_url=cloud.running.azure_endpoint + "/openai/v1")
    assert cloud.respond(client=client, model="chat-prod").service_tier == "priority"
    assert (cloud.row().provider, cloud.row().endpoint) == ("azure", "responses")


def test_responses_by_the_dated_path(cloud):
    """`/openai/responses?api-version=` works, streamed as well."""
    last = list(cloud.respond(client=cloud.azure(), model="chat-prod", stream=True))[-1]
    assert last.response.service_tier == "priority"


def test_chat_stream_opens_with_the_prompt_filter(cloud):
    """Azure's first chunk holds filter results, no choices and no tier (recorded)."""
    chunks = list(cloud.chat(client=cloud.azure(), model="chat-prod", stream=True))
    assert (chunks[0].choices, chunks[0].id, chunks[0].service_tier) == ([], "", None)
    assert {c.service_tier for c in chunks[1:]} == {"priority"}


def test_spill_over_is_told_in_headers(cloud):
    """A deployment that spills over names both deployments."""
    raw = cloud.azure().chat.completions.with_raw_response.create(model="ptu", messages=[])
    found = [raw.headers[k] for k in ("x-ms-is-spilled-over", "x-ms-deployment-name", "x-ms-spillover-from-deployment")]
    assert found == ["true", "standard", "ptu"]


def test_wrong_key_and_unknown_deployment(bench_for):
    """Azure's gateway says 401 with the status as code; a strict profile has 404 for unknown deployments."""
    cloud = bench_for(Profile.fast(strict_models=True, deployments={"a": Deployment("gpt-5")}))
    with pytest.raises(openai.AuthenticationError) as refused:
        cloud.chat(client=cloud.azure(api_key="sk-invalid"), model="a")
    assert refused.value.code == "401"
    with pytest.raises(openai.NotFoundError) as missing:
        cloud.chat(client=cloud.azure(), model="b")
    assert missing.value.code == "DeploymentNotFound"
