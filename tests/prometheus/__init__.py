"""A real Prometheus, as `make rules-test` builds it."""
