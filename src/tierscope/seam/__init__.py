"""Where Tierscope meets the openai SDK: the only rooms that import openai, httpx, httpx2 and wrapt."""

from tierscope.seam.patches import LAYERS, install, remove
from tierscope.seam.world import STATE, World

__all__ = ["World", "abandon", "drain", "forget", "install", "missing", "remove"]

drain = STATE.drain
abandon = STATE.abandon
forget = STATE.batches.forget
missing = LAYERS.missing
