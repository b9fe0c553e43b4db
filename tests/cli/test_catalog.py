"""``tierscope catalog``: what it shows, what it says of a file, and that it fits a terminal of 80 columns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from tierscope.cli.cards import usd
from tierscope.cli.commands import tierscope

if TYPE_CHECKING:
    from click.testing import Result


def catalog(*arguments: str, **env: str) -> Result:
    """Run the command at 80 columns."""
    return CliRunner().invoke(
        tierscope, ["catalog", *arguments], env={"TIERSCOPE_CATALOG": None, "COLUMNS": "80", **env}
    )


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A file with one price and two deployments, of one the model, of the other the type."""
    path = tmp_path / "own.json"
    price = {"provider": "openai", "model": "gpt-4.1", "tier": "priority", "input": 3, "cached": 0.75, "output": 12}
    kind = {"type": "DataZoneStandard", "zone": "eu"}
    told: dict[str, Any] = {"rates": [price], "deployments": {"chat-prod": "gpt-4.1", "chat-eu": kind}}
    path.write_text(json.dumps({"schema": "tierscope-catalog/1", **told}))
    return path


def test_a_model_is_a_card() -> None:
    """Every row of its prices, and what is promised."""
    result = catalog("show", "gpt-4.1-2025-04-14", "--provider", "openai")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[:9] == [
        "gpt-4.1 · openai",
        "tier from to input cached written output basis",
        "batch 2026-10-14 1.00 \N{EN DASH} \N{EN DASH} 4.00 exact",
        "default 2.00 0.50 \N{EN DASH} 8.00 exact",
        "priority 2025-06-10 3.50 0.875 \N{EN DASH} 14.00 exact",
        "priority: 99% above 80 tokens/s, median of 5 minutes; uptime 99.9%; prompts up",
        "to 128k",
        "scale: 99% above 80 tokens/s, median of 5 minutes; uptime 99.9%; prompts up to",
        "128k",
    ]
    assert result.exit_code == 0


def test_everything_fits_80_columns() -> None:
    """Every model of every provider, and no line is cut."""
    result = catalog("show")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "…" not in result.stdout
    assert result.stdout.count(" · openai\n") > 50


def test_a_day_and_a_tier_leave_what_holds() -> None:
    """O3 before its cut, and after."""
    told = [json.loads(catalog("show", "o3", "--tier", "default", "--provider", "openai", "--on", on, "--json").stdout)
            for on in ("2025-06-09", "2025-06-10")]  # fmt: skip
    assert [[row["input"] for row in shown["rates"]] for shown in told] == [[10.0], [2.0]]
    assert [shown["promises"] for shown in told] == [[], []]


def test_what_is_not_known_is_told_with_what_is_near() -> None:
    result = catalog("show", "gpt-4.2")
    assert result.exit_code == 1
    assert "nothing is known of gpt-4.2 here. Did you mean gpt-5.2, gpt-4.1, gpt-4?" in result.stderr


def test_a_deployment_of_the_file_is_shown_as_its_model(own: Path) -> None:
    """With the price of the file in place of ours."""
    told = json.loads(catalog("show", "chat-prod", "--tier", "priority", "--json", TIERSCOPE_CATALOG=str(own)).stdout)
    assert [(row["provider"], row["input"], row["basis"]) for row in told["rates"] if row["provider"] == "openai"] == [
        ("openai", 3.0, "user")
    ]


def test_a_file_that_can_be_used_is_summed_up(own: Path) -> None:
    """By argument or by the setting."""
    for result in (catalog("check", str(own)), catalog("check", TIERSCOPE_CATALOG=str(own))):
        assert (result.exit_code, result.stdout) == (
            0,
            f"{own} can be used: 1 price, 1 deployment, 1 deployment type.\n",
        )


def test_a_file_that_cannot_be_used_is_one_line(own: Path) -> None:
    own.write_text(own.read_text().replace('"input": 3', '"input": 0'))
    for command in ("check", "diff"):
        result = catalog(command, str(own))
        assert result.exit_code == 1
        assert result.stderr == (
            "Error: own.json: rates row 1 openai gpt-4.1 priority: input=0: "
            "write USD per 1M tokens: a number above 0, up to 6 decimals; null: not stated\n"
        )
    assert catalog("show", TIERSCOPE_CATALOG=str(own)).exit_code == 1


def test_without_a_file_there_is_nothing_to_check() -> None:
    result = catalog("check")
    assert result.exit_code == 2
    assert "name a file: TIERSCOPE_CATALOG is not set" in result.stderr


def test_a_difference_is_told_row_by_row(own: Path) -> None:
    """What held, what holds now; what is the same is left out."""
    assert catalog("diff", str(own)).stdout.splitlines() == [
        "rates: openai gpt-4.1 priority",
        "  - input 3.5, cached 0.875, output 14, from 2025-06-10",
        "  + input 3, cached 0.75, output 12",
        "deployments: chat-prod is gpt-4.1",
        "deployments: chat-eu is of the type DataZoneStandard (eu)",
    ]
    empty = own.with_name("empty.json")
    empty.write_text(json.dumps({"schema": "tierscope-catalog/1"}))
    assert catalog("diff", str(empty)).stdout == f"{empty} changes nothing.\n"


@pytest.mark.parametrize(
    ("pico", "text"),
    [
        (3_500_000, "3.50"),
        (875_000, "0.875"),
        (14_000_000, "14.00"),
        (1, "0.000001"),
        (62_500, "0.0625"),
        (None, "\N{EN DASH}"),
    ],
)
def test_a_price_shows_every_digit(pico: int | None, text: str) -> None:
    assert usd(pico) == text
