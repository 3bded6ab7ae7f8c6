"""How a command asks, answers, fails and is ended."""
