"""Bringing the archive up to date with an account's mail server."""

from mailquery.services.synchronising.account import AccountLocks, ServerOf, SyncAccount
from mailquery.services.synchronising.reports import MailboxFailure, SyncOptions, SyncProgress, SyncSummary

__all__ = [
    "AccountLocks",
    "MailboxFailure",
    "ServerOf",
    "SyncAccount",
    "SyncOptions",
    "SyncProgress",
    "SyncSummary",
]
