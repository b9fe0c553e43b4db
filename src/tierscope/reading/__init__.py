"""Bytes, options and parsed objects in, model out: pure and duck-typed, one file an endpoint family.

Every reader takes a decoded JSON mapping or the SDK's parsed object alike and gives the same answer for both.
"""
