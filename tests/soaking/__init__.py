"""Import, synchronisation, queries and backups together on one archive, with processes killed among them; at the end,
every message must be found, once, and be what was put in. `bench/soak` runs it for as long as one wants."""
