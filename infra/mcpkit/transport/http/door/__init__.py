"""Who is let in over HTTP, how often, and for how long."""
