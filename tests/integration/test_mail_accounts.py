"""Accounts on a real Dovecot, in a real archive, with their passwords sealed in a real control database."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import anyio
import pytest

from integration.archives import Archive
from mailquery.domain.accounts import AccountState, Login, MailAccount, Security, Server
from mailquery.repositories.account_locks import AccountLocks
from mailquery.repositories.sqlite.accounts import SqliteAccounts
from mailquery.services.accounts.account_states import CheckAccount, PauseAccount, RemoveAccount, ResumeAccount
from mailquery.services.accounts.adding import AddAccount, RenewLogin
from mailquery.services.accounts.credentials import IMAP_PASSWORD, AccountCredentials, NewLogin
from mailquery.services.accounts.login_checking import CheckLogin
from mailquery.sources.certificates import presented_fingerprint
from mailquery.sources.credentials import CredentialSource
from mailquery.sources.imap.server import ImapServer
from mailquery.sources.password_command import password_of_command
from mailquery.sources.remote import MailServer, Reason
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.control import open_control
from mcpkit.security.secrets.master_key import FileKeeper
from mcpkit.security.secrets.store import SecretStore
from support.dovecot import PASSWORD, USER, Dovecot, running_dovecot
from support.scripted_imap import ScriptedImap, running_scripted_imap


class NoTokens:
    """Nobody signs in by OAuth here."""

    def of(self, account: MailAccount) -> CredentialSource:
        raise AssertionError(account.name)

    async def forget(self, account: MailAccount) -> None:
        raise AssertionError(account.name)


class Accounts:
    """The use cases, with everything that they stand on."""

    def __init__(self, archive: Archive, secrets: SecretStore, locks: AccountLocks) -> None:
        self.stored = SqliteAccounts(archive.database)
        self.secrets = secrets
        self.connections: list[tuple[Server, str]] = []
        self.removed: list[str] = []
        self.names: list[str] = []
        credentials = AccountCredentials(secrets, password_of_command, NoTokens())
        check = CheckLogin(self._connect, presented_fingerprint)
        self.credentials = credentials
        self.add = AddAccount(self.stored, credentials, check, self._names)
        self.renew = RenewLogin(self.stored, credentials, check)
        self.check = CheckAccount(self.stored, credentials, check)
        self.pause = PauseAccount(self.stored)
        self.resume = ResumeAccount(self.stored)
        self.locks = locks
        self.remove = self.removing()

    def removing(self, **options: float) -> RemoveAccount:
        hold = self.locks.hold
        return RemoveAccount(self.stored, self.credentials, self._names, self._remove, hold, **options)

    def by_password(self, password: str = PASSWORD) -> NewLogin:
        return self.credentials.by_password(password)

    async def password_of(self, name: str) -> str | None:
        return await self.secrets.get(IMAP_PASSWORD, name)

    def _connect(self, account: MailAccount, source: CredentialSource) -> MailServer:
        self.connections.append((account.server, account.username))
        return ImapServer(account.server, account.username, source)

    async def _names(self) -> Sequence[str]:
        return self.names

    async def _remove(self, name: str, progress: Callable[[int, int], None] | None) -> int:
        self.removed.append(name)
        return 7


@pytest.fixture
async def accounts(archive: Archive, tmp_path: Path) -> AsyncIterator[Accounts]:
    async with await open_control(tmp_path / "control.db") as control:
        keeper = FileKeeper(tmp_path / "master.key")
        yield Accounts(archive, SecretStore(control, keeper), AccountLocks(tmp_path / "locks"))


@pytest.fixture(scope="module")
def running() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.fixture
def dovecot(running: Dovecot, monkeypatch: pytest.MonkeyPatch) -> Dovecot:
    monkeypatch.setenv("SSL_CERT_FILE", str(running.authority.path))
    return running


@pytest.fixture
def work(dovecot: Dovecot) -> MailAccount:
    return MailAccount("work", USER, Server("localhost", dovecot.tls_port), USER, Login.PASSWORD)


@contextmanager
def refusing(reason: Reason | None = None) -> Iterator[pytest.ExceptionInfo[Fault]]:
    with pytest.raises(Fault) as caught:
        yield caught
    if reason is not None:
        assert caught.value.details["reason"] == reason.value


async def test_an_account_is_stored_once_its_login_works(accounts: Accounts, work: MailAccount) -> None:
    added = await accounts.add([work], accounts.by_password())
    assert added.checked is not None
    assert added.checked.mailboxes >= 1
    assert await accounts.stored.all() == (added.account,)
    assert await accounts.password_of("work") == PASSWORD


async def test_nothing_is_stored_before(accounts: Accounts, work: MailAccount) -> None:
    with refusing(Reason.LOGIN):
        await accounts.add([work], accounts.by_password("wrong"))
    assert await accounts.stored.all() == ()
    assert await accounts.secrets.names(IMAP_PASSWORD) == []


async def test_an_account_that_cannot_be_stored_leaves_no_password_behind(
    accounts: Accounts, work: MailAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(_: MailAccount) -> None:
        raise Fault(ErrorCode.STORAGE_FULL, "The disk is full.")

    monkeypatch.setattr(accounts.stored, "put", full)
    with refusing():
        await accounts.add([work], accounts.by_password())
    assert await accounts.secrets.names(IMAP_PASSWORD) == []


async def test_the_next_server_is_tried_where_one_cannot_be_reached(accounts: Accounts, work: MailAccount) -> None:
    choices = [
        replace(work, server=Server("nowhere.invalid", 993)),
        replace(work, server=Server("nowhere.invalid", 993), username="ana"),
        replace(work, server=Server("localhost", 9)),
        work,
    ]
    added = await accounts.add(choices, accounts.by_password())
    assert added.account.server == work.server
    assert [server.host for server, _ in accounts.connections] == ["nowhere.invalid", "localhost", "localhost"]


async def test_a_refused_password_goes_to_no_other_server(accounts: Accounts, work: MailAccount) -> None:
    other = replace(work, server=Server("127.0.0.1", work.server.port))
    with refusing(Reason.LOGIN):
        await accounts.add([work, replace(work, username="ana"), other], accounts.by_password("wrong"))
    assert accounts.connections == [(work.server, USER), (work.server, "ana")]


async def test_a_server_that_cannot_be_verified_ends_the_search(accounts: Accounts, work: MailAccount) -> None:
    pinned = replace(work, server=replace(work.server, pinned="ab" * 32))
    with refusing(Reason.CERTIFICATE):
        await accounts.add([pinned, work], accounts.by_password())
    assert len(accounts.connections) == 1


async def test_starttls_with_a_pinned_certificate(
    accounts: Accounts, work: MailAccount, dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    server = Server("localhost", dovecot.port, Security.STARTTLS)
    with refusing(Reason.CERTIFICATE) as caught:
        await accounts.add([replace(work, server=server)], accounts.by_password())
    shown = str(caught.value.details["fingerprint"])
    assert shown == dovecot.fingerprint
    added = await accounts.add([replace(work, server=replace(server, pinned=shown))], accounts.by_password())
    assert added.account.server.pinned == shown


async def test_an_account_takes_the_spelling_that_the_archive_has(accounts: Accounts, work: MailAccount) -> None:
    accounts.names = ["Work"]
    added = await accounts.add([work], accounts.by_password())
    assert (added.account.name, added.joined) == ("Work", True)
    with pytest.raises(Fault) as caught:
        await accounts.add([replace(work, name="WORK")], accounts.by_password())
    assert caught.value.code is ErrorCode.CONFLICT


@pytest.mark.parametrize("name", ["", "*", "a\nb", "a\u202eb", " a", "x" * 300])
async def test_what_is_no_name_is_refused(accounts: Accounts, work: MailAccount, name: str) -> None:
    with pytest.raises(Fault) as caught:
        await accounts.add([replace(work, name=name)], accounts.by_password())
    assert caught.value.code is ErrorCode.VALIDATION_ERROR
    assert accounts.connections == []


@pytest.mark.parametrize("password", ["", "a\nb", "a\0b", "x" * 20_000])
async def test_what_is_no_password_is_refused(accounts: Accounts, password: str) -> None:
    with pytest.raises(Fault) as caught:
        accounts.by_password(password)
    assert caught.value.code is ErrorCode.VALIDATION_ERROR


async def test_a_refused_password_marks_the_account_until_there_is_another(
    accounts: Accounts, work: MailAccount
) -> None:
    await accounts.add([work], accounts.by_password("not it"), check=False)
    with refusing(Reason.LOGIN):
        await accounts.check("work")
    marked = await accounts.stored.get("work")
    assert marked is not None
    assert marked.state is AccountState.NEEDS_LOGIN
    assert "refuses" in marked.state_reason
    with refusing():
        await accounts.resume("work")
    renewed, _ = await accounts.renew("work", accounts.by_password())
    assert (renewed.state, renewed.state_reason) == (AccountState.ACTIVE, "")
    assert await accounts.stored.get("work") == renewed


async def test_a_login_that_works_again_takes_the_mark_away(accounts: Accounts, work: MailAccount) -> None:
    await accounts.add([work], accounts.by_password())
    await accounts.stored.set_state("work", AccountState.NEEDS_LOGIN, "It was refused.")
    checked, _ = await accounts.check(USER)
    assert (checked.state, checked.state_reason) == (AccountState.ACTIVE, "")


async def test_a_server_that_is_down_does_not_mark_the_account(accounts: Accounts, work: MailAccount) -> None:
    await accounts.add([replace(work, server=Server("localhost", 9))], accounts.by_password(), check=False)
    with refusing(Reason.CONNECT):
        await accounts.check("work")
    kept = await accounts.stored.get("work")
    assert kept is not None
    assert kept.state is AccountState.ACTIVE


async def test_a_paused_account_stays_paused(accounts: Accounts, work: MailAccount) -> None:
    await accounts.add([work], accounts.by_password("not it"), check=False)
    await accounts.pause("work", "Holidays.")
    with refusing(Reason.LOGIN):
        await accounts.check("work")
    renewed, _ = await accounts.renew("work", accounts.by_password())
    assert (renewed.state, renewed.state_reason) == (AccountState.PAUSED, "Holidays.")
    assert (await accounts.resume("work")).state is AccountState.ACTIVE


async def test_the_old_password_stays_where_the_new_one_does_not_work(accounts: Accounts, work: MailAccount) -> None:
    added = await accounts.add([work], accounts.by_password())
    with refusing(Reason.LOGIN):
        await accounts.renew("work", accounts.by_password("wrong"))
    assert await accounts.password_of("work") == PASSWORD
    assert await accounts.stored.get("work") == added.account


async def test_a_command_takes_the_place_of_a_stored_password(accounts: Accounts, work: MailAccount) -> None:
    await accounts.add([work], accounts.by_password())
    renewed, _ = await accounts.renew("work", accounts.credentials.by_command(f"echo '{PASSWORD}'"))
    assert (renewed.login, renewed.password_command) == (Login.COMMAND, f"echo '{PASSWORD}'")
    assert await accounts.secrets.names(IMAP_PASSWORD) == []
    assert (await accounts.check("work"))[1].mailboxes >= 1


async def test_a_password_that_another_process_has_stored_meanwhile_is_taken(
    accounts: Accounts, work: MailAccount
) -> None:
    await accounts.add([work], accounts.by_password("an old one"), check=False)
    source = accounts.credentials.of(work)
    old = await source.current()
    assert await source.instead_of(old) is None
    await accounts.secrets.put(IMAP_PASSWORD, "work", PASSWORD)
    other = await source.instead_of(old)
    assert other is not None
    assert other.secret == PASSWORD
    assert PASSWORD not in repr(other)


async def test_an_account_without_a_stored_password_says_which_command_takes_one(
    accounts: Accounts, work: MailAccount
) -> None:
    await accounts.stored.put(work)
    with refusing(Reason.LOGIN) as caught:
        await accounts.check("work")
    assert "mailquery accounts login work" in caught.value.message


async def test_an_account_is_removed_with_its_password(accounts: Accounts, work: MailAccount) -> None:
    await accounts.add([work], accounts.by_password())
    removed = await accounts.remove("WORK", with_mail=False)
    assert (removed.name, removed.messages, accounts.removed) == ("work", None, [])
    assert await accounts.stored.all() == ()
    assert await accounts.secrets.names(IMAP_PASSWORD) == []


async def test_mail_is_removed_where_that_is_wanted_and_what_was_interrupted_goes_on(
    accounts: Accounts, work: MailAccount
) -> None:
    await accounts.add([work], accounts.by_password())
    accounts.names = ["work"]
    for _ in range(2):  # the second time there is no account on a server any more
        assert (await accounts.remove("Work", with_mail=True)).messages == 7
    assert accounts.removed == ["work", "work"]
    with pytest.raises(Fault) as caught:
        await accounts.remove("work", with_mail=False)
    assert caught.value.code is ErrorCode.NOT_FOUND


async def test_an_account_that_is_being_synchronised_is_not_removed_and_stays_as_it_was(
    accounts: Accounts, work: MailAccount
) -> None:
    await accounts.add([work], accounts.by_password())
    before = await accounts.stored.all()
    remove = accounts.removing(patience=0.0)
    async with accounts.locks.hold("work"):
        with pytest.raises(Fault, match="synchronises work") as caught:
            await remove("work", with_mail=True)
    assert caught.value.code is ErrorCode.CONFLICT
    assert await accounts.stored.all() == before
    assert await accounts.password_of("work") == PASSWORD
    assert accounts.removed == []


async def test_a_synchronisation_that_ends_when_its_account_is_paused_is_waited_for(
    accounts: Accounts, work: MailAccount
) -> None:
    await accounts.add([work], accounts.by_password())
    async with anyio.create_task_group() as tasks, AsyncExitStack() as held:
        await held.enter_async_context(accounts.locks.hold("work"))
        tasks.start_soon(partial(accounts.remove, "work", with_mail=False))
        while (stored := await accounts.stored.get("work")) is not None and stored.state is not AccountState.PAUSED:
            await anyio.sleep(0.01)
        assert await accounts.password_of("work") == PASSWORD  # nothing is taken away yet
        await held.aclose()
    assert await accounts.stored.all() == ()


@pytest.mark.parametrize(
    ("refusal", "reason", "told"),
    [
        ("NO [ALERT] Application-specific password required", Reason.APP_PASSWORD, "app password"),
        ("NO [ALERT] Your account is not enabled for IMAP use.", Reason.IMAP_DISABLED, "Switch IMAP on"),
        ("NO [AUTHENTICATIONFAILED] Invalid credentials", Reason.LOGIN, "--username"),
        ("NO [UNAVAILABLE] Try again later", Reason.BUSY, "try again later"),
    ],
)
async def test_what_a_server_says_to_a_login_is_told_in_words(
    accounts: Accounts, work: MailAccount, refusal: str, reason: Reason, told: str
) -> None:
    with running_scripted_imap(ScriptedImap(refusal)) as port:
        account = replace(work, server=Server("127.0.0.1", port, Security.NONE))
        with refusing(reason) as caught:
            await accounts.add([account], accounts.by_password())
    assert told in caught.value.message
    assert await accounts.stored.all() == ()
