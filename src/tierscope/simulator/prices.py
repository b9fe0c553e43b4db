"""What the simulated service charges: a list of its own, so that no other arithmetic is checked by itself.

Sources: 'Priority processing' page of OpenAI (priority of GPT-4.1, GPT-4.1 mini and GPT-4o mini); genai-prices 0.2.3,
provider openai, whose tiers were read off OpenAI's pricing page on 2026-10-12 (all else but ultrafast); litellm 1.109.1
(ultrafast, and priority of Azure's GPT-4.1). Azure's standard rates are OpenAI's, as genai-prices has them. The rates
have no dates: the simulator lives now.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

LONG_PROMPT_TOKENS = 272_000
"""Beyond so many prompt tokens, cached ones among them, every token of a request costs the rates of a long prompt."""


class Rates(NamedTuple):
    """Pico-dollars (1e-12 USD) per token, which is USD per million tokens times 1 000 000: exact as integers.

    `cached` are prompt tokens read from the cache, `written` those written to it (None: no rate of their own, they cost
    what `input` costs), `beyond` the rates of a long prompt (None: there are none).
    """

    input: int
    cached: int
    output: int
    written: int | None = None
    beyond: "Rates | None" = None


_OPENAI: Mapping[str, Mapping[str, Rates]] = {
    "gpt-5-2025-08-07": {
        "default": Rates(1_250_000, 125_000, 10_000_000),
        "priority": Rates(2_500_000, 250_000, 20_000_000),
        "flex": Rates(625_000, 62_500, 5_000_000),
    },
    "gpt-5-mini-2025-08-07": {
        "default": Rates(250_000, 25_000, 2_000_000),
        "priority": Rates(450_000, 45_000, 3_600_000),
        "flex": Rates(125_000, 12_500, 1_000_000),
    },
    "gpt-4.1-2025-04-14": {
        "default": Rates(2_000_000, 500_000, 8_000_000),
        "priority": Rates(3_500_000, 875_000, 14_000_000),
    },
    "gpt-4.1-mini-2025-04-14": {
        "default": Rates(400_000, 100_000, 1_600_000),
        "priority": Rates(700_000, 175_000, 2_800_000),
    },
    "gpt-4o-mini-2024-07-18": {
        "default": Rates(150_000, 75_000, 600_000),
        "priority": Rates(250_000, 125_000, 1_000_000),
    },
    "gpt-5.4-2026-03-05": {
        "default": Rates(2_500_000, 250_000, 15_000_000, beyond=Rates(5_000_000, 500_000, 22_500_000)),
        "priority": Rates(5_000_000, 500_000, 30_000_000),
        "flex": Rates(1_250_000, 130_000, 7_500_000, beyond=Rates(2_500_000, 250_000, 11_250_000)),
    },
    "gpt-6-sol-2026-09-22": {
        "default": Rates(2_000_000, 200_000, 10_000_000, 2_500_000, Rates(4_000_000, 400_000, 15_000_000, 5_000_000)),
        "priority": Rates(4_000_000, 400_000, 20_000_000, 5_000_000, Rates(8_000_000, 800_000, 30_000_000, 10_000_000)),
        "flex": Rates(1_000_000, 100_000, 5_000_000, 1_250_000, Rates(2_000_000, 200_000, 7_500_000, 2_500_000)),
    },
    "gpt-6-astra": {
        "default": Rates(
            10_000_000, 1_000_000, 50_000_000, 12_500_000, Rates(20_000_000, 2_000_000, 75_000_000, 25_000_000)
        ),
        "priority": Rates(
            20_000_000, 2_000_000, 100_000_000, 25_000_000, Rates(40_000_000, 4_000_000, 150_000_000, 50_000_000)
        ),
        "flex": Rates(5_000_000, 500_000, 25_000_000, 6_250_000, Rates(10_000_000, 1_000_000, 37_500_000, 12_500_000)),
        "ultrafast": Rates(
            60_000_000, 6_000_000, 300_000_000, 75_000_000, Rates(120_000_000, 12_000_000, 450_000_000, 150_000_000)
        ),
    },
    "gpt-6.1-sol": {
        "default": Rates(2_000_000, 100_000, 10_000_000, 2_500_000, Rates(4_000_000, 200_000, 15_000_000, 5_000_000)),
        "priority": Rates(4_000_000, 200_000, 20_000_000, 5_000_000, Rates(8_000_000, 400_000, 30_000_000, 10_000_000)),
        "flex": Rates(1_000_000, 50_000, 5_000_000, 1_250_000, Rates(2_000_000, 100_000, 7_500_000, 2_500_000)),
        "ultrafast": Rates(
            12_000_000, 600_000, 60_000_000, 15_000_000, Rates(24_000_000, 1_200_000, 90_000_000, 30_000_000)
        ),
    },
}
_AZURE: Mapping[str, Mapping[str, Rates]] = {
    "gpt-5-2025-08-07": {"default": Rates(1_250_000, 125_000, 10_000_000)},
    "gpt-4.1-2025-04-14": {
        "default": Rates(2_000_000, 500_000, 8_000_000),
        "priority": Rates(3_500_000, 875_000, 14_000_000),
    },
}
PRICES: Mapping[str, Mapping[str, Mapping[str, Rates]]] = MappingProxyType({"openai": _OPENAI, "azure": _AZURE})
"""Rates by provider, model as a reply names it, and canonical served tier.

`scale` has none: its units are paid by the day, a token more costs nothing more.
"""


def cost_pico(
    provider: str, model: str, tier: str, *, prompt: int, output: int, cached: int = 0, written: int = 0
) -> int | None:
    """What an answer is billed, in pico-dollars; None where the list has no rates, or the counts contradict each other.

    `model` is as the reply names it, `tier` the canonical one that served; `cached` and `written` are inside `prompt`.
    """
    parts = cost_parts(provider, model, tier, prompt=prompt, output=output, cached=cached, written=written)
    return None if parts is None else sum(parts.values())


def cost_parts(
    provider: str, model: str, tier: str, *, prompt: int, output: int, cached: int = 0, written: int = 0
) -> dict[str, int] | None:
    """The same by kind of token, in the words of the usage API; they add up to what is billed."""
    rates = PRICES.get(provider, {}).get(model, {}).get(tier)
    plain = prompt - cached - written
    if rates is None or min(plain, cached, written, output) < 0:
        return None
    if rates.beyond and prompt > LONG_PROMPT_TOKENS:
        rates = rates.beyond
    per_written = rates.input if rates.written is None else rates.written
    return {
        "input_tokens": plain * rates.input,
        "input_cached_tokens": cached * rates.cached,
        "input_cache_write_tokens": written * per_written,
        "output_tokens": output * rates.output,
    }
