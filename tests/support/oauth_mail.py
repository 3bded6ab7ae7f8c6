"""A real Dovecot that takes the tokens of a real authorization server."""

from collections.abc import Iterator
from contextlib import contextmanager

from support.authorization_server import IMAP_SERVER, AuthorizationServer
from support.dovecot import Dovecot, running_dovecot

# Dovecot asks about each token (RFC 7662), and lets in whose e-mail address it is.
_PASSDB = """
introspection_mode = post
introspection_url = {scheme}://{id}:{secret}@{host}/token/introspection
username_attribute = email
active_attribute = active
active_value = true
scope = mail
timeout_msecs = 5000
"""


@contextmanager
def mail_with_tokens_of(server: AuthorizationServer, **options: str) -> Iterator[Dovecot]:
    """`options` are those of `running_dovecot`."""
    scheme, _, host = server.issuer.partition("://")
    id, secret = IMAP_SERVER
    passdb = _PASSDB.format(scheme=scheme, id=id, secret=secret, host=host)
    with running_dovecot(oauth=passdb, **options) as dovecot:
        yield dovecot
