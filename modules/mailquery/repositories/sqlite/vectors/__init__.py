"""Which messages are near in meaning."""
