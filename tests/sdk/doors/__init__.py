"""The doors by which a stream is left: one table of them, and what walks through each with and without us."""
