"""Tests of the pure core: no network, no SDK, no clock."""
