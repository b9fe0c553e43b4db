"""The service's books: each counted request as an entry, summed up as the usage and costs APIs show it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tierscope.simulator.ledger import Served
from tierscope.simulator.prices import cost_parts
from tierscope.simulator.profile import Profile
from tierscope.simulator.tiers import canonical

_SECOND = 1_000_000_000
_PICO = 10**12
_GROUPS = ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier", "api_source")
_COST_GROUPS = ("project_id", "user_id", "api_key_id", "api_source", "line_item")
_ENDS = ("completed_at", "expired_at", "cancelled_at")


@dataclass(frozen=True, slots=True)
class Entry:
    """A counted request, or a batch of them: when (seconds since 1970), of whom, and its tokens."""

    at: int
    project: str | None
    model: str
    tier: str | None
    requests: int
    input: int
    cached: int
    written: int
    output: int
    batch: bool = False

    def group(self, name: str) -> str | bool | None:
        """The value by which entries are grouped; null for keys and users."""
        known: Mapping[str, str | bool | None] = {
            "project_id": self.project,
            "model": self.model,
            "batch": self.batch,
            "service_tier": self.tier,
            "api_source": "unlabeled",
        }
        return known.get(name)

    def costs(self) -> dict[str, tuple[int, int]]:
        """Pico-dollars and tokens by kind; a batch costs half of what its tokens cost at the default tier."""
        counts = {
            "input_tokens": self.input - self.cached - self.written,
            "input_cached_tokens": self.cached,
            "input_cache_write_tokens": self.written,
            "output_tokens": self.output,
        }
        tokens = {"prompt": self.input, "output": self.output, "cached": self.cached, "written": self.written}
        parts = cost_parts("openai", self.model, canonical(self.tier or "default"), **tokens) or {}
        return {kind: (pico // (2 if self.batch else 1), counts[kind]) for kind, pico in parts.items() if counts[kind]}


def entries(rows: Iterable[Served], profile: Profile) -> Iterator[Entry]:
    """The counted requests of OpenAI's paths; Azure keeps books of its own."""
    for row in rows:
        if row.provider != "openai" or row.used_input_tokens is None:
            continue
        known = profile.model(row.model)
        yield Entry(
            at=row.started_ns // _SECOND,
            project=row.project,
            model=row.response_model or (known.snapshot if known else row.model),
            tier=row.served if row.served and canonical(row.served) == row.decided else row.decided,
            requests=1,
            input=row.used_input_tokens,
            cached=row.used_cached_tokens or 0,
            written=row.used_cache_write_tokens or 0,
            output=row.used_output_tokens or 0,
        )


def batches(ended: Iterable[Mapping[str, Any]]) -> Iterator[Entry]:
    """The batches that came to their end; their usage is of that moment (modelled)."""
    for body in ended:
        usage = body["usage"]
        yield Entry(
            at=next(body[name] for name in _ENDS if body[name] is not None),
            project=None,
            model=body["model"],
            tier="default",
            requests=body["request_counts"]["completed"],
            input=usage["input_tokens"],
            cached=usage["input_tokens_details"]["cached_tokens"],
            written=0,
            output=usage["output_tokens"],
            batch=True,
        )


def grouped(found: list[Entry], group_by: tuple[str, ...]) -> list[dict[str, Any]]:
    """The results of one bucket of usage."""
    groups: dict[tuple[str | bool | None, ...], list[Entry]] = {}
    for entry in found:
        groups.setdefault(tuple(entry.group(name) for name in group_by), []).append(entry)
    return [_result(dict(zip(group_by, key, strict=True)), some) for key, some in groups.items()]


def _result(key: Mapping[str, str | bool | None], some: list[Entry]) -> dict[str, Any]:
    sums = {name: sum(getattr(entry, name) for entry in some) for name in ("input", "cached", "written", "output")}
    uncached = sums["input"] - sums["cached"] - sums["written"]
    return {
        "object": "organization.usage.completions.result",
        "num_model_requests": sum(entry.requests for entry in some),
        "input_tokens": sums["input"],
        "input_cached_tokens": sums["cached"],
        "input_uncached_tokens": uncached,
        "input_text_tokens": uncached,
        "input_cached_text_tokens": sums["cached"],
        "input_cache_write_tokens": sums["written"],
        "output_tokens": sums["output"],
        "output_text_tokens": sums["output"],
        "input_audio_tokens": 0,
        "output_audio_tokens": 0,
        **{name: key.get(name) for name in _GROUPS},
    }


def costs(found: list[Entry], group_by: tuple[str, ...]) -> list[dict[str, Any]]:
    """The results of one bucket of costs."""
    pico: Counter[tuple[str | bool | None, ...]] = Counter()
    tokens: Counter[tuple[str | bool | None, ...]] = Counter()
    for entry in found:
        for kind, (amount, count) in entry.costs().items():
            names = {"line_item": f"{entry.model}, {kind}"}
            key = tuple(names.get(name, entry.group(name)) for name in group_by)
            pico[key] += amount
            tokens[key] += count
    return [_cost(dict(zip(group_by, key, strict=True)), amount, tokens[key]) for key, amount in pico.items()]


def _cost(key: Mapping[str, str | bool | None], amount: int, count: int) -> dict[str, Any]:
    is_itemised = "line_item" in key
    return {
        "object": "organization.costs.result",
        "amount": {"value": amount / _PICO, "currency": "usd"},
        "quantity": count if is_itemised else None,
        "quantity_unit": "tokens" if is_itemised else None,
        **{name: key.get(name) for name in _COST_GROUPS},
    }
