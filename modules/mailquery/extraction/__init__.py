"""From an attachment's bytes to its text. The readers run in child processes that may do nothing but compute."""
