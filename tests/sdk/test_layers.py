"""Other packages wrap the client's ``request`` too, on a subclass or an instance, before us and after us."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import openai
import pytest
import wrapt
from openai import _base_client
from opentelemetry.instrumentation.utils import suppress_instrumentation
from tests.sdk import replies
from tests.sdk.conftest import CHAT, TRUSTED

import tierscope
from tierscope import guard, testing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sdk.conftest import Service

BODY = replies.whole(replies.chat())


def foreign(wrapped: Any, _instance: Any, args: Any, kwargs: Any) -> Any:
    return wrapped(*args, **kwargs)


def by_wrapt() -> None:
    """Wrap as OpenInference does: what is inherited is found, and planted on the subclass."""
    wrapt.wrap_function_wrapper("openai", "OpenAI.request", foreign)


def by_closure() -> None:
    """Wrap as logfire does: a plain function around what the class had."""
    original: Any = openai.OpenAI.request

    @functools.wraps(original)
    def request(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs)

    openai.OpenAI.request = request  # type: ignore[method-assign]


@contextmanager
def restored() -> Iterator[None]:
    """Take off whatever a test left on the two classes."""
    base = _base_client.SyncAPIClient.__dict__["request"]
    assert "request" not in openai.OpenAI.__dict__
    try:
        yield
    finally:
        tierscope.uninstrument()
        if "request" in openai.OpenAI.__dict__:
            del openai.OpenAI.request
        assert _base_client.SyncAPIClient.__dict__["request"] is base


@pytest.mark.parametrize("wrap", [by_wrapt, by_closure])
@pytest.mark.parametrize("is_ours_first", [True, False], ids=["ours first", "theirs first"])
def test_a_wrapper_on_a_subclass_hides_no_call(service: Service, wrap: Callable[[], None], is_ours_first: bool) -> None:
    """One record a call, whoever was first, and again after we were off and on; we take off only what is ours."""
    client = service.client(BODY)
    with restored():
        if is_ours_first:
            assert tierscope.instrument(TRUSTED)
        wrap()
        theirs = openai.OpenAI.__dict__["request"]
        for _ in range(2):
            assert tierscope.instrument(TRUSTED)
            with testing.capture() as calls:
                client.chat.completions.create(**CHAT)
            assert len(calls) == 1
            tierscope.uninstrument()
            assert openai.OpenAI.__dict__["request"] is theirs


def test_a_subclass_that_wraps_and_calls_its_base_is_seen_once(service: Service) -> None:
    """``functools.wraps`` of the base's method, yet the call goes by ``super()``: two layers, one record."""

    class Mine(openai.OpenAI):
        @functools.wraps(openai.OpenAI.request)
        def request(self, *args: Any, **kwargs: Any) -> Any:
            return super().request(*args, **kwargs)

    with Mine(api_key="k", base_url=service.url(BODY)) as client, testing.capture(TRUSTED) as calls:
        client.chat.completions.create(**CHAT)
    assert len(calls) == 1


def test_a_method_that_another_package_put_back_hides_one_call_and_says_so(service: Service) -> None:
    """It had kept the SDK's own method from before us: the first call is counted as unseen, the next is seen."""
    client, before = service.client(BODY), openai.OpenAI.request
    with restored(), testing.capture(TRUSTED) as calls:
        openai.OpenAI.request = before  # type: ignore[method-assign]
        client.chat.completions.create(**CHAT)
        assert (len(calls), guard.counts()) == (0, {"bypassed": 1})
        client.chat.completions.create(**CHAT)
        assert (len(calls), guard.counts()) == (1, {"bypassed": 1})
    assert openai.OpenAI.request is before


def test_a_client_that_kept_its_method_is_counted(service: Service) -> None:
    """Wrapped as an instance before us: out of reach, but no call is missed without a word."""
    client = service.client(BODY)
    original = client.request

    @functools.wraps(original)
    def request(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs)

    client.request = request  # type: ignore[method-assign]
    with testing.capture(TRUSTED) as calls:
        for number in (1, 2):
            client.chat.completions.create(**CHAT)
            assert (len(calls), guard.counts()) == (0, {"bypassed": number})


def test_calls_that_are_left_alone_are_not_counted_as_missed(service: Service) -> None:
    """Suppressed calls, and requests that are no inference, pass without a count."""
    client = service.client(BODY)
    with testing.capture(TRUSTED) as calls:
        with suppress_instrumentation():
            client.chat.completions.create(**CHAT)
        client.get("/models", cast_to=object)
    assert (calls, guard.counts()) == ([], {})
