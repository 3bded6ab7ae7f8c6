"""Several processes that serve one socket."""
