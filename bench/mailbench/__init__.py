"""Measures mailquery, and its peers where they are installed, on the same mail."""
