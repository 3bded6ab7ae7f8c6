"""Mail on IMAP servers (RFC 3501, RFC 9051), read without changing anything there."""
