"""Looking through what is kept of callers for damage."""

import sqlite3

from mailquery.repositories.sqlite.upkeep.verifying import check_database, examine
from mailquery.repositories.verifying import Check, Damage, Examined, Remedy
from mcpkit.database.sqlite import Database
from mcpkit.errors import Fault
from mcpkit.security.audit.chain import Chain
from mcpkit.security.audit.head import Head
from mcpkit.security.audit.store import HEAD_NAME
from mcpkit.security.audit.verifying import verify
from mcpkit.security.secrets.store import SecretStore


class SqliteCallersVerification:
    """`CallersVerification`. `audit_key` is the key of the audit's chain."""

    def __init__(self, control: Database, secrets: SecretStore, audit_key: bytes) -> None:
        self._control = control
        self._secrets = secrets
        self._chain = Chain(audit_key)

    async def database(self) -> Examined:
        return await check_database(self._control, self._control.path.name)

    async def audit(self) -> Examined:
        head = Head(self._control.path.with_name(HEAD_NAME), self._chain).read()  # before the records that it names

        def look(connection: sqlite3.Connection) -> Examined:
            verdict = verify(connection, self._chain, head)
            damages = []
            if verdict.problem is not None:
                what = f"record {verdict.problem.sequence} {verdict.problem.what}"
                damages.append(Damage(Check.AUDIT, what, Remedy.AUDIT))
            for gap in verdict.gaps:
                what = f"record {gap} says that records were missing when it was written"
                damages.append(Damage(Check.AUDIT, what, Remedy.AUDIT))
            return Examined(Check.AUDIT, verdict.records, damages)

        return await examine(self._control, Check.AUDIT, look)

    async def credentials(self) -> Examined:
        damages, count = [], 0
        for purpose, name in await self._secrets.all_names():
            count += 1
            try:
                await self._secrets.get(purpose, name)
            except Fault as fault:
                damages.append(Damage(Check.CREDENTIALS, f"the {purpose} of {name}: {fault.message}", Remedy.SIGN_IN))
        return Examined(Check.CREDENTIALS, count, damages)
