"""What is kept and counted of those who call, as it is set: the audit, consent, limits, and the master key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailquery.settings import Settings
from mailquery.settings.serving import RateLimiting
from mcpkit.database.sqlite import Database
from mcpkit.security.audit.store import AuditCopy, ChainedAudit
from mcpkit.security.consent.consents import Mode, Rules
from mcpkit.security.identity import login_name
from mcpkit.security.secrets.key_files import load_private_key

if TYPE_CHECKING:
    from mcpkit.security.limits.rate_limits import RateLimits
    from mcpkit.security.secrets.master_key import KeyKeeper


@dataclass(frozen=True, slots=True)
class CallerLimits:
    principals: "RateLimits"
    addresses: "RateLimits"


@asynccontextmanager
async def open_limits(chosen: RateLimiting, shared: Path | None = None) -> AsyncIterator[CallerLimits]:
    """`shared` is the folder that the workers of a server have in common."""
    from mcpkit.security.limits.rate_limits import Limits, RateLimits, Redis
    from mcpkit.security.limits.shared_meters import SharedMeters

    redis = Redis(chosen.redis_url.get_secret_value()) if chosen.redis_url else None
    meters = SharedMeters(shared) if shared is not None else None
    try:
        yield CallerLimits(
            principals=RateLimits("principal", Limits(**chosen.principal.model_dump()), redis, meters),
            addresses=RateLimits("address", Limits(**chosen.address.model_dump()), redis, meters),
        )
    finally:
        if redis is not None:
            await redis.close()


def open_audit(settings: Settings, control: Database) -> ChainedAudit:
    chosen = settings.audit
    copies: list[AuditCopy] = []
    if chosen.file or chosen.syslog:
        from mcpkit.security.audit.copies import FileCopy, SyslogCopy

        copies += [FileCopy(chosen.file)] if chosen.file else []
        copies += [SyslogCopy(chosen.syslog, "mailquery")] if chosen.syslog else []
    key = load_private_key(settings.audit_key_path)
    return ChainedAudit(control, key, survives_power_cut=chosen.durability == "power", copies=copies)


def key_keeper(settings: Settings) -> "KeyKeeper":
    """Where the master key is, as it is set."""
    from mcpkit.security.secrets import master_key

    if settings.master_key is not None:
        previous = settings.previous_master_key
        return master_key.EnvironmentKeeper(
            settings.master_key.get_secret_value(),
            previous.get_secret_value() if previous else None,
            "MAILQUERY_MASTER_KEY",
        )
    if settings.secrets.master_key_in == "keyring":
        return master_key.KeyringKeeper("mailquery master key", str(settings.home))
    return master_key.FileKeeper(settings.secrets.master_key_file or settings.home / "master.key")


def consent_rules(settings: Settings) -> Rules:
    consent = settings.consent
    return Rules(
        zone=settings.zone,
        # A client in this process is the local user's, as one over STDIO is.
        modes={"http": Mode(consent.http), **dict.fromkeys(("stdio", "memory"), Mode(consent.stdio))},
        tainted={"http": consent.taint_http, **dict.fromkeys(("stdio", "memory"), consent.taint_stdio)},
        window=consent.taint_minutes * 60,
        days=consent.days,
        refusal=consent.refusal_minutes * 60,
        granted_by=consent.granted_by or settings.user or login_name(),
        reason=consent.reason or "whoever runs the program on this machine reads their own mail",
        always_ask=frozenset(consent.always_ask),
    )
