"""Messages, threads, addresses and queries. Pure: nothing here reads or writes anything."""
