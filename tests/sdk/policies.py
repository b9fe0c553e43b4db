"""Policies of one rule, written for a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, *, tier: str, model: str = "*", name: str = "chat", match: str | None = None) -> str:
    """Write a policy that wants a tier of a model, or of what matches in TOML; return its path."""
    path = folder / f"{name}-{tier}.toml"
    path.write_text(
        f"""schema = "tierscope-policy/1"
[[workload]]
name = "{name}"
match = {{ {match or f'model = "{model}"'} }}
tier = "{tier}"
""",
        "utf-8",
    )
    return str(path)
