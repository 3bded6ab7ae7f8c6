"""OAuth 2.0 as a client: a person signs in with an authorization server, and a program uses the tokens (RFC 6749).

Programs that run on a person's machine are public clients: PKCE and a loopback address for those with a browser (RFC
8252), a code on another device for those without (RFC 8628). Everything raises Fault, which never holds a token, a code
or a secret.
"""
