"""Errors as the documents and recordings show them ('Error codes' guide; recorded 400, 401, 404 and 429 bodies).

The flex refusal's words are documented ('Flex processing' guide: 429 Resource Unavailable), its code and type are not:
`code` null is modelled.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tierscope.simulator.script import Script


@dataclass(frozen=True, slots=True)
class Problem:
    """An error reply: HTTP status, the fields of its `error` object, and headers of its own."""

    status: int
    kind: str
    code: str | None
    message: str
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, *, azure: bool = False) -> dict[str, Any]:
        """The JSON body; Azure's gateway errors (401, 404) have only code and message (recorded)."""
        if azure and self.status in {401, 404}:
            return {"error": {"code": self.code or str(self.status), "message": self.message}}
        return {"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}}


def invalid_key(key: str) -> Problem:
    """401: the key is wrong ('Incorrect API key provided')."""
    shown = f"{key[:3]}***{key[-4:]}"
    text = f"Incorrect API key provided: {shown}. You can find your API key at your account page."
    return Problem(401, "invalid_request_error", "invalid_api_key", text)


def azure_invalid_key() -> Problem:
    """401 of the Azure gateway (recorded: code is the status as text)."""
    text = "Access denied due to invalid subscription key or wrong API endpoint. Provide a valid key."
    return Problem(401, "invalid_request_error", "401", text)


def bad_tier_value(value: object, allowed: tuple[str, ...]) -> Problem:
    """400: a tier word this endpoint does not take (body quoted in livekit/agents#7044, 2026-08-30)."""
    listed = ", ".join(f"'{word}'" for word in allowed[:-1]) + f", and '{allowed[-1]}'"
    text = f"Invalid value: '{value}'. Supported values are: {listed}."
    return Problem(400, "invalid_request_error", "invalid_value", text, "service_tier")


def tier_not_allowed() -> Problem:
    """400: the tier, requested or resolved, is not enabled ('Error codes' guide; code null modelled)."""
    text = "Invalid service_tier argument: The requested service tier is not allowed for this project."
    return Problem(400, "invalid_request_error", None, text, "service_tier")


def tier_not_offered(tier: str, model: str) -> Problem:
    """400: the model has no such tier (Azure 'Flex processing': 400 `invalid_request_error`; wording modelled)."""
    text = f"The service tier '{tier}' is not supported by the model '{model}'."
    return Problem(400, "invalid_request_error", None, text, "service_tier")


def flex_capacity(retry_after_ms: int | None) -> Problem:
    """429: no room for a flex request now ('Flex processing' guide; never billed, no automatic fall-back)."""
    text = "Resource Unavailable: there is not enough capacity for this flex request. Try again later."
    return Problem(429, "rate_limit_error", None, text, headers=retry_headers(retry_after_ms))


def rate_limited(model: str, retry_after_ms: int | None) -> Problem:
    """429: the project's requests or tokens a minute are used up; the limit is shared by all tiers."""
    return Problem(429, "tokens", "rate_limit_exceeded", f"Rate limit reached for {model}.",
                   headers=retry_headers(retry_after_ms))  # fmt: skip


def unknown_model(model: str) -> Problem:
    """404: no such model (recorded)."""
    text = f"The model `{model}` does not exist or you do not have access to it."
    return Problem(404, "invalid_request_error", "model_not_found", text)


def unknown_deployment() -> Problem:
    """404: no such Azure deployment."""
    return Problem(404, "invalid_request_error", "DeploymentNotFound",
                   "The API deployment for this resource does not exist.")  # fmt: skip


def unknown_response(response_id: str) -> Problem:
    """404: nothing stored under this id."""
    return Problem(404, "invalid_request_error", None, f"Response with id '{response_id}' not found.")


def unknown_batch(batch_id: str) -> Problem:
    """404: no such batch (wording modelled)."""
    return Problem(404, "invalid_request_error", None, f"No batch found with id '{batch_id}'.")


def no_socket(reason: str) -> Problem:
    """400: what a WebSocket does not take ('WebSocket mode' guide; wording modelled)."""
    return Problem(400, "invalid_request_error", "invalid_request_error", reason)


def invalid_stream(stream_id: object) -> Problem:
    """400: no name for a lane ('WebSocket mode' guide; wording modelled)."""
    return Problem(400, "invalid_request_error", "invalid_stream_id", f"Invalid stream_id: {stream_id!r:.80}.")


def too_many_streams(most: int) -> Problem:
    """400: one lane too many ('WebSocket mode' guide; wording modelled)."""
    text = f"This connection has {most} named streams already."
    return Problem(400, "invalid_request_error", "websocket_stream_limit_reached", text)


def missing(param: str) -> Problem:
    """400: a parameter that must be there is not (recorded for other endpoints)."""
    text = f"Missing required parameter: '{param}'."
    return Problem(400, "invalid_request_error", "missing_required_parameter", text, param)


def lacks_scope(scope: str) -> Problem:
    """403: the key may not do this (the message names the scope in public reports of 2026; the rest is modelled)."""
    text = f"You have insufficient permissions for this operation. Missing scopes: {scope}."
    return Problem(403, "invalid_request_error", None, text)


def invalid_value(param: str, text: str) -> Problem:
    """400: a parameter of the query is not what it must be (wording modelled)."""
    return Problem(400, "invalid_request_error", "invalid_value", text, param)


def unknown_project(project: str) -> Problem:
    """404: the organization has no such project (wording modelled)."""
    return Problem(404, "invalid_request_error", None, f"No project found with id '{project}'.")


def unreadable(reason: str) -> Problem:
    """400: the body or the script is not what it should be."""
    return Problem(400, "invalid_request_error", None, reason)


_BY_STATUS: Mapping[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", "invalid_value", "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", None, "You are not allowed to use this resource."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist."),
    408: ("server_error", None, "The request timed out."),
    409: ("invalid_request_error", "conflict", "The request conflicts with another."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached. Please try again later."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: ("service_unavailable_error", "server_is_overloaded", "Our servers are currently overloaded."),
}


def of_status(status: int, retry_after_ms: int | None = None) -> Problem:
    """The usual error of a status."""
    kind, code, message = _BY_STATUS.get(status, ("server_error", None, "The request failed."))
    return Problem(status, kind, code, message, headers=retry_headers(retry_after_ms))


def scripted(script: Script) -> Problem:
    """The failure a script orders: the status's usual error with the fields the script names."""
    usual = of_status(script.status or 500)
    headers = retry_headers(script.retry_after_ms)
    if script.should_retry is not None:
        headers["x-should-retry"] = "true" if script.should_retry else "false"
    code = usual.code if script.code is None else script.code or None
    kind, message = script.error_type or usual.kind, script.message or usual.message
    return Problem(usual.status, kind, code, message, script.param, headers)


def in_stream(script: Script) -> Problem:
    """The error event inside a stream: HTTP stays 200 (openai/codex#43337: `server_is_overloaded`)."""
    usual = of_status(503)
    kind, code = script.error_type or usual.kind, script.code or usual.code
    return Problem(200, kind, code, script.message or usual.message, script.param)


def retry_headers(retry_after_ms: int | None) -> dict[str, str]:
    """`retry-after-ms` and `retry-after` (whole seconds), as the SDK obeys them; empty where nothing is asked for."""
    if retry_after_ms is None:
        return {}
    return {"retry-after-ms": str(retry_after_ms), "retry-after": str(-(-retry_after_ms // 1000))}
