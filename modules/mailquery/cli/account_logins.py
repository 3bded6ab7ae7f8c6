"""How a person at the terminal, or a script, says how to log in from now on."""

from mailquery.bootstrap import Application
from mailquery.cli.account_options import GivenLogin
from mailquery.services.credentials import NewLogin


async def new_login(application: Application, given: GivenLogin, secret: str, address: str, provider: str) -> NewLogin:
    """`secret` is the password, where it is by one; `provider` the authorization server, where it is by OAuth: the
    person signs in now. Raises Fault."""
    credentials = application.mail_accounts.credentials
    if given.command:
        return credentials.by_command(given.command)
    return credentials.by_password(secret)
