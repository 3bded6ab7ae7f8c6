"""How fast a mailbox on a server becomes an archive, and what it costs to keep it current."""
