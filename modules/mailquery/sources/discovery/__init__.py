"""Finding the mail server of an address."""
