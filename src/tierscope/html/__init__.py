"""One self-contained page: a frozen ``Page`` of sections, tables and charts in, one HTML text out.

It knows nothing of tiers, ledgers or money: every text arrives as it is to be read, and is escaped here.
"""
