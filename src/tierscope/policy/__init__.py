"""What a team wants: which workload should use which tier, and which one people wait for. Loaded only where it is set.

Imports neither OpenTelemetry nor openai.
"""

from tierscope.policy.reading import PolicyError, load, policy, read
from tierscope.policy.rules import DRIFTED, KEPT, UNSAID, VERDICTS, Facts, Policy, Workload, verdict

__all__ = [
    "DRIFTED",
    "KEPT",
    "UNSAID",
    "VERDICTS",
    "Facts",
    "Policy",
    "PolicyError",
    "Workload",
    "load",
    "policy",
    "read",
    "verdict",
]
