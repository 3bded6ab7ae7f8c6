"""Identity, audit and untrusted text."""
