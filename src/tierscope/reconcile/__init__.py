"""Compares what a ledger holds with what a provider's own books say: pure, on frozen data.

Imports neither openai nor sqlite3: ``ledger.usage`` reads our side, ``cli.admin`` asks for theirs.
"""
