"""What a server tells about how it does."""
