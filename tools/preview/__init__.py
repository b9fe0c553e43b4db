"""Pictures of the boards without a Grafana: `python -m tools.preview [BOARD ...]`."""
