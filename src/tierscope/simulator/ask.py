"""One request as it arrived: everything the simulator may decide from, read once and frozen."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import HTTPConnection, Request

from tierscope.simulator.profile import Profile
from tierscope.simulator.script import SCRIPT_HEADER, Script, read_script
from tierscope.simulator.text import prompt_tokens


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on both clocks: monotonic seconds (`time.monotonic`) and wall nanoseconds since 1970."""

    at: float
    wall_ns: int

    @staticmethod
    def now() -> "Moment":
        """The present instant."""
        return Moment(time.monotonic(), time.time_ns())


@dataclass(frozen=True, slots=True)
class Ask:
    """A request.

    `model` is the name asked for (Azure: the deployment's model), `tier_header` the raw Azure header
    `x-ms-service-tier`, `attempt` counts from 1, `input_tokens` is the counted prompt.
    """

    sequence: int
    received: Moment
    provider: str
    endpoint: str
    method: str
    project: str | None
    deployment: str | None
    region: str | None
    model: str
    body: Mapping[str, Any]
    tier_header: str | None
    key: str
    attempt: int
    retry_header: int | None
    stream: bool
    script: Script
    input_tokens: int
    query: Mapping[str, str]
    unreadable: str | None = None

    @property
    def azure(self) -> bool:
        """Whether the request came by an Azure path."""
        return self.provider == "azure"

    @property
    def background(self) -> bool:
        """Whether the reply shall be made in the background."""
        return self.endpoint == "responses" and self.body.get("background") is True

    @property
    def scripted(self) -> bool:
        """Whether the request came with orders of its own."""
        return self.script != Script()

    def limit(self) -> int | None:
        """The most output tokens the caller wants, whichever of the API's three names it used."""
        found = (self.body.get(k) for k in ("max_output_tokens", "max_completion_tokens", "max_tokens"))
        return next((n for n in found if isinstance(n, int)), None)


async def read_ask(request: Request, profile: Profile, endpoint: str, sequence: int) -> Ask:
    """The request as an `Ask`; one that cannot be read says so in `unreadable`."""
    received = Moment.now()
    raw, headers = await request.body(), request.headers
    try:
        body, script, unreadable = _object(raw), read_script(headers.get(SCRIPT_HEADER)), None
    except (ValueError, TypeError) as error:
        body, script, unreadable = {}, Script(), f"{type(error).__name__}: {error}"
    ask = made(request, profile, endpoint, sequence, received, body, script)
    stream = body.get("stream") is True or request.query_params.get("stream") == "true"
    return replace(ask, method=request.method, stream=stream, unreadable=unreadable)


def message_ask(connection: HTTPConnection, profile: Profile, sequence: int, text: str) -> Ask:
    """A message of a WebSocket connection as an `Ask`: always a stream.

    Its script is in its `metadata`, under the name of the header, else in the handshake's header.
    """
    received = Moment.now()
    try:
        body, unreadable = _object(text.encode()), None
        metadata = body.get("metadata")
        own = metadata.get(SCRIPT_HEADER) if isinstance(metadata, Mapping) else None
        script = read_script(own or connection.headers.get(SCRIPT_HEADER))
    except (ValueError, TypeError) as error:
        body, script, unreadable = {}, Script(), f"{type(error).__name__}: {error}"
    ask = made(connection, profile, "responses", sequence, received, body, script)
    return replace(ask, method="WEBSOCKET", stream=True, unreadable=unreadable)


def made(
    connection: HTTPConnection,
    profile: Profile,
    endpoint: str,
    sequence: int,
    received: Moment,
    body: Mapping[str, Any],
    script: Script,
) -> Ask:
    """What a body asks for where a connection leads."""
    headers, azure = connection.headers, connection.url.path.startswith("/openai/")
    name = str(connection.path_params.get("deployment") or body.get("model") or "")
    deployed = profile.deployments.get(name) if azure else None
    retries = headers.get("x-stainless-retry-count", "")
    return Ask(
        sequence=sequence,
        received=received,
        provider="azure" if azure else "openai",
        endpoint=endpoint,
        method="",
        project=None if azure else headers.get("openai-project", profile.default_project),
        deployment=name if azure and name else None,
        region=deployed.region if deployed else None,
        model=deployed.model if deployed else name,
        body=body,
        tier_header=headers.get("x-ms-service-tier") if azure else None,
        key=headers.get("api-key") or headers.get("authorization", "").removeprefix("Bearer "),
        attempt=int(retries) + 1 if retries.isdigit() else 1,
        retry_header=int(retries) if retries.isdigit() else None,
        stream=False,
        script=script,
        input_tokens=script.input_tokens or prompt_tokens(body),
        query=dict(connection.query_params),
    )


def _object(raw: bytes) -> dict[str, Any]:
    body = json.loads(raw) if raw else {}
    if not isinstance(body, dict):
        raise ValueError("the body is not a JSON object")  # noqa: TRY004  # one error for every unreadable body
    return body
