"""Opening, migrating and sharing a database."""
