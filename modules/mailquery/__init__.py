"""mailquery: search and read a person's mail over the Model Context Protocol."""

__version__ = "0.1.0"
