"""Grafana's dashboards as code: `python -m grafana` writes `grafana/dashboards/`, `--check` compares and lints.

`queries` builds PromQL from the declared signals and recorded series, `boards` says what stands where, `build` turns
that into Grafana's classic JSON. All of it is pure; only `__main__` reads and writes.
"""
