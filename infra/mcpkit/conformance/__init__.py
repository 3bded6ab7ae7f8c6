"""What the official conformance suite expects a server to offer, so that it can be run against a product's own server.

Served only where `install_fixtures` was called; nothing else imports this package.
"""

from mcpkit.conformance.fixtures import install_fixtures

__all__ = ["install_fixtures"]
