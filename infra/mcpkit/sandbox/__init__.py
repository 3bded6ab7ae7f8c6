"""Work on hostile data in child processes that may do nothing but compute."""
