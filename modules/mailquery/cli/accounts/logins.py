"""How a person at the terminal, or a script, says how to log in from now on."""

from mailquery.application import Application
from mailquery.cli.accounts.options import GivenLogin
from mailquery.domain.accounts import Login
from mailquery.services.accounts.credentials import Given, NewLogin
from mailquery.sources.credentials import Credential, CredentialKind


async def new_login(application: Application, given: GivenLogin, secret: str, address: str, provider: str) -> NewLogin:
    """`secret` is the password, where it is by one; `provider` the authorization server, where it is by OAuth: the
    person signs in now. Raises Fault."""
    credentials = application.mail_accounts.credentials
    if given.oauth:
        return await _signed_in(application, provider, address, device=given.device)
    if given.command:
        return credentials.by_command(given.command)
    return credentials.by_password(secret)


async def _signed_in(application: Application, provider: str, address: str, *, device: bool) -> NewLogin:
    from mailquery.cli.accounts.signing_in import signed_in  # with a client for the web, which no other way needs

    sign_in = application.sign_in
    signed = await signed_in(sign_in, provider, address, application.settings.zone, device=device)

    async def keep(name: str) -> None:
        await sign_in.store.replace(name, signed.tokens)

    token = Credential(CredentialKind.TOKEN, signed.tokens.access_token)
    return NewLogin(Login.OAUTH, Given(token), keep, oauth=signed.oauth)
