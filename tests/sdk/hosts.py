"""Clients of real hosts whose connections go to the loopback service: every rule about hosts sees the real name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
from tests.sdk.capabilities import HTTP

if TYPE_CHECKING:
    from tests.sdk import replies
    from tests.sdk.conftest import Service


class Elsewhere(HTTP.HTTPTransport):  # type: ignore[misc,name-defined]
    """A transport that connects to one address, whatever the URL says."""

    def __init__(self, url: str) -> None:
        super().__init__(verify=False)
        self._url = HTTP.URL(url)

    def handle_request(self, request: Any) -> Any:
        path = self._url.raw_path.rstrip(b"/") + request.url.raw_path
        moved = self._url.copy_with(raw_path=path)
        return super().handle_request(
            HTTP.Request(
                request.method, moved, headers=request.headers, stream=request.stream, extensions=request.extensions
            )
        )


def client_at(service: Service, url: str, *answers: replies.Reply, **how: Any) -> openai.OpenAI:
    """Return a client of this base URL; with an ``api_version``, of this Azure endpoint."""
    http = HTTP.Client(transport=Elsewhere(service.url(*answers).removesuffix("/v1")))
    common: dict[str, Any] = {"api_key": "k", "http_client": http, "max_retries": 0, **how}
    if "api_version" in how:
        return openai.AzureOpenAI(azure_endpoint=url, **common)
    return openai.OpenAI(base_url=url, **common)
