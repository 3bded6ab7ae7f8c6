"""A small invented mailbox to try the product with: the same bytes each time, and no real person's mail."""

from mailquery.sample.maildir import write_maildir

__all__ = ["write_maildir"]
