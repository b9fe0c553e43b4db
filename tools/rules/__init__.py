"""Prometheus' rules as code: `python -m tools.rules` writes `prometheus/rules/`, `--check` compares.

`recorded` declares every recording rule (dashboards import it), `promql` translates names and builds expressions, one
module for each topic holds its rules and alerts. All of it is pure; only `__main__` reads and writes.
"""
