"""Whether a user lets an assistant use what is theirs."""
