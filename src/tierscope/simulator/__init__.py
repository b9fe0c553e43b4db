"""An OpenAI-compatible HTTP server whose tiers behave as the documents say, and which knows the truth it served.

>>> from tierscope.simulator import Profile, Script, SCRIPT_HEADER, Simulator
>>> with Simulator(Profile.fast()) as simulator:
...     print(simulator.base_url.startswith("http://127.0.0.1:"))
True

It imports nothing else of tierscope. What each module models rather than repeats from a recording says so there.
"""

from tierscope.simulator.app import application
from tierscope.simulator.ledger import Ledger, Served
from tierscope.simulator.profile import Deployment, Faults, Limits, Model, Profile, Project, Speed, TierRules
from tierscope.simulator.script import SCRIPT_HEADER, Script, ToolCall
from tierscope.simulator.server import Simulator, serve

__all__ = [
    "SCRIPT_HEADER",
    "Deployment",
    "Faults",
    "Ledger",
    "Limits",
    "Model",
    "Profile",
    "Project",
    "Script",
    "Served",
    "Simulator",
    "Speed",
    "TierRules",
    "ToolCall",
    "application",
    "serve",
]
