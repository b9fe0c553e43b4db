"""The boards, in the order in which links name them."""

from __future__ import annotations

from typing import Final

from grafana.boards import calls, capacity, money, pipeline, promise, tiers

BOARDS: Final = (tiers.BOARD, promise.BOARD, money.BOARD, capacity.BOARD, calls.BOARD, pipeline.BOARD)
