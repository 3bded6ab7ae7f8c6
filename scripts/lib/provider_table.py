"""Writes docs/providers.md from the code: `python scripts/lib/provider_table.py > docs/providers.md`."""

from mailquery.sources.discovery.provider_table import KNOWN
from mailquery.sources.discovery.providers import Provider, Username

HEAD = """\
# Providers of mail

<!-- Written by scripts/lib/provider_table.py; change modules/mailquery/sources/discovery/provider_table.py instead. -->

What `mailquery accounts add` knows by itself. Domains of other providers, and your own, are found as
[accounts](accounts.md) says. An *app password* is one that is made for mail programs: *needed* where no other is taken,
*with two factors* where your account logs you in with two. Hosted domains are known by where their mail is delivered
(MX). No test of this project tries them, and providers change their pages: where one of these is wrong, their help is
right.

| provider | addresses | server | user name | app password, or OAuth | IMAP is switched on at |
|---|---|---|---|---|---|
"""
_MOST_DOMAINS = 4


def table() -> str:
    return HEAD + "".join(f"| {' | '.join(_cells(each))} |\n" for each in KNOWN)


def _cells(provider: Provider) -> tuple[str, ...]:
    server = provider.server
    return (
        provider.name,
        _addresses(provider),
        f"`{server.host}:{server.port}`" if server is not None else "none",
        "before the @" if provider.username is Username.LOCAL else "the address",
        _login(provider),
        provider.imap_switch,
    )


def _addresses(provider: Provider) -> str:
    shown = [f"@{domain}" for domain in provider.domains[:_MOST_DOMAINS]]
    if len(provider.domains) > _MOST_DOMAINS:
        shown.append(f"and {len(provider.domains) - _MOST_DOMAINS} more")
    if provider.mx:
        shown.append("hosted domains")
    return ", ".join(shown)


def _login(provider: Provider) -> str:
    if provider.server is None:
        return provider.note
    if not provider.password:
        return "`--oauth`; no passwords"
    said = ["or `--oauth`"] if provider.oauth else []
    if provider.app_password:
        needed = "needed: " if provider.app_password_needed else "with two factors: "
        said.insert(0, needed + provider.app_password)
    if provider.note:
        said.append(provider.note)
    return "; ".join(said)


if __name__ == "__main__":
    print(table(), end="")
