"""The whole pipeline as processes on free loopback ports: agent, two gateways, a store of traces, Prometheus."""
