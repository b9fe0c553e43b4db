"""The embedded default: every finished call as one row of an SQLite file, whatever the sampling of the telemetry.

Imports neither OpenTelemetry nor openai; nothing else in the package imports ``sqlite3``.
"""

from tierscope.ledger.retention import Keep
from tierscope.ledger.schema import COLUMNS, LedgerError
from tierscope.ledger.sink import LedgerSink

__all__ = ["COLUMNS", "Keep", "LedgerError", "LedgerSink"]
