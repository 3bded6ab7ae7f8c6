"""What a failed login means, and what helps, in words."""

import shlex

from mailquery.domain.accounts import MailAccount, Security
from mailquery.sources.discovery.providers import Provider
from mailquery.sources.remote import Reason
from mcpkit.errors import ErrorCode, Fault


def reason_of(fault: Fault) -> Reason | None:
    try:
        return Reason(str(fault.details.get("reason")))
    except ValueError:
        return None


def explained(fault: Fault, account: MailAccount, provider: Provider | None, fingerprint: str = "") -> Fault:
    """The same fault with what the user can do, for this account and provider. `fingerprint` is that of the certificate
    which the server shows, where it was refused. What the server itself said stays in `others`."""
    reason = reason_of(fault)
    if reason is None:
        return fault
    remedy = " ".join(_remedies(reason, account, provider, fingerprint))
    details = {**fault.details, "account": account.name, "host": account.server.host, "port": account.server.port}
    if provider is not None:
        details["provider"] = provider.name
    if fingerprint:
        details["fingerprint"] = fingerprint
    if reason is Reason.APP_PASSWORD or (reason is Reason.LOGIN and provider is not None and provider.app_password):
        details |= {"app_password_at": provider.app_password} if provider and provider.app_password else {}
    return Fault(
        fault.code,
        f"{fault.message} {remedy}".rstrip(),
        details=details,
        retry_after=fault.retry_after,
        others=fault.others,
    )


def no_password_taken(provider: Provider) -> Fault:
    """For who would give a password to a provider that takes none: before it is sent anywhere."""
    return Fault(
        ErrorCode.VALIDATION_ERROR,
        f"{provider.name} takes no passwords from mail programs any more, no app passwords either. Sign in with it: "
        "--oauth",
        details={"provider": provider.name, "reason": Reason.LOGIN.value},
    )


def _remedies(reason: Reason, account: MailAccount, provider: Provider | None, fingerprint: str) -> list[str]:
    server = account.server
    match reason:
        case Reason.NAME:
            return [f"Is the name right? Give another with --host; this one was {server.host}."]
        case Reason.CONNECT | Reason.TIMEOUT | Reason.BROKEN_OFF:
            found = [f"See whether {server.host} is up, and whether a firewall lets port {server.port} through."]
            if reason is Reason.TIMEOUT and server.security is not Security.TLS:
                # There both wait for the other to begin.
                found.append(f"Or port {server.port} wants TLS from the first byte on: --security tls.")
            return [*found, provider.note] if provider is not None and provider.note else found
        case Reason.TLS:
            other = "starttls" if server.security is Security.TLS else "tls"
            return [
                f"Perhaps port {server.port} wants the other kind of security: --security {other}. Nothing was sent "
                "that is secret."
            ]
        case Reason.CERTIFICATE:
            return _about_certificate(account, fingerprint)
        case Reason.APP_PASSWORD:
            return [_about_app_password(provider)]
        case Reason.IMAP_DISABLED:
            where = f" at {provider.imap_switch}" if provider is not None and provider.imap_switch else ""
            return [f"Switch IMAP on{where or ', in the settings of your web mail'}, and try again."]
        case Reason.LOGIN:
            return _about_login(account, provider)
        case Reason.TOKEN:
            return [f"Sign in again: mailquery accounts login {shlex.quote(account.name)}"]
        case Reason.BUSY:
            return ["Other programs may hold all the connections that the server allows: try again later."]
        case _:
            return []


def _about_certificate(account: MailAccount, fingerprint: str) -> list[str]:
    if account.server.pinned:
        said = [
            "The certificate that was pinned is not shown any more. If it was renewed, compare the new one with the "
            "server's own and pin that."
        ]
    else:
        said = ["Nothing secret was sent."]
    if not fingerprint:
        return said
    return [
        *said,
        f"Its SHA-256 fingerprint is {with_colons(fingerprint)}. Only if your server's operator names the same one "
        f"(`openssl x509 -noout -fingerprint -sha256 -in CERTIFICATE` on the server), trust it: --pin {fingerprint}",
    ]


def _about_login(account: MailAccount, provider: Provider | None) -> list[str]:
    said = [f"The user name was {account.username}; give another with --username."]
    if provider is None:
        return [*said, "Some servers want the part before the @ alone, or a password made for mail programs."]
    if provider.app_password_needed:
        said.append(_about_app_password(provider))
    elif provider.app_password:
        said.append(f"Where {provider.name} logs you in with two factors, it wants {_own_password(provider)}.")
    if provider.imap_switch:
        said.append(f"IMAP must be switched on: {provider.imap_switch}.")
    return said


def _about_app_password(provider: Provider | None) -> str:
    if provider is None or not provider.app_password:
        return "Make a password for mail programs (an app password) in the security settings of your account."
    return f"{provider.name} wants {_own_password(provider)}, not that of your account."


def _own_password(provider: Provider) -> str:
    return f"a password that is made for mail programs (an app password) at {provider.app_password}"


def with_colons(fingerprint: str) -> str:
    """As OpenSSL writes it."""
    digits = fingerprint.upper()
    return ":".join(digits[start : start + 2] for start in range(0, len(digits), 2))
