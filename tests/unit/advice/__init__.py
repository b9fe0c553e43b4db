"""Tests of the rules of advice, one file each."""
