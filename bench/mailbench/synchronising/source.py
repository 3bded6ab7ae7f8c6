"""`python -m mailbench.synchronising.source [--messages N] [--delay MS]`: what the IMAP source fetches in a second, and
its processor time for each message, beside the server's own limit. Nothing is parsed or stored.

`--delay` is the round trip that is added, in milliseconds.
"""

import argparse
import asyncio
import time

from mailbench.archive import Plan
from mailbench.cache import synthetic
from mailbench.report import table
from mailbench.synchronising.dovecot import PASSWORD, USER, serving
from mailbench.synchronising.proxy import link
from mailbench.synchronising.raw import fetch_everything
from mailquery.domain.accounts import Security, Server
from mailquery.sources.credentials import Credential, CredentialKind
from mailquery.sources.imap.server import ImapServer

_BATCH = 250  # messages of one call of `fetch`


class _Known:
    async def current(self) -> Credential:
        return Credential(CredentialKind.PASSWORD, PASSWORD)

    async def instead_of(self, rejected: Credential) -> Credential | None:
        return None


async def _fetch_all(port: int) -> int:
    messages = 0
    connection = await ImapServer(Server("127.0.0.1", port, Security.NONE), USER, _Known()).connect()
    for mailbox in await connection.mailboxes():
        if mailbox.selectable:
            await connection.open(mailbox.key)
            for part in (await connection.uids()).split(_BATCH):
                messages += len(await connection.fetch(part))
    await connection.close()
    return messages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--delay", type=float, default=0.0)
    options = parser.parse_args()
    archive = synthetic(Plan(options.messages))
    rows = []
    with serving(archive) as (server, _), link(server, options.delay / 2000) as through:
        port = through.port if options.delay else server
        fetch_everything(port)  # the server's own caches are filled
        for name in ("raw sockets", "IMAP source", "raw sockets", "IMAP source"):
            started, used = time.perf_counter(), time.process_time()
            messages = asyncio.run(_fetch_all(port)) if name == "IMAP source" else fetch_everything(port)[0]
            seconds, spent = time.perf_counter() - started, time.process_time() - used
            rows.append(
                [name, f"{messages:,}", f"{seconds:.2f}", f"{messages / seconds:,.0f}", f"{spent / messages * 1e6:.0f}"]
            )
    title = f"Fetching from Dovecot, {options.delay:g} ms of added round trip"
    print(table(title, ["", "messages", "seconds", "messages/s", "CPU us/message"], rows))


if __name__ == "__main__":
    main()
