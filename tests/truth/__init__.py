"""The truth oracle: what a true record of an exchange must say, from recorded bytes alone.

Nothing in this folder imports tierscope or openai; an oracle that shares code with its subject shares its mistakes.
"""
