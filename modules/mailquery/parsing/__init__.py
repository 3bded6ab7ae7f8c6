"""From the bytes of a message to what can be read of it."""
