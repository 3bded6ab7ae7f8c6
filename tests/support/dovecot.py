"""A real Dovecot on loopback, for the time of a test.

Mail is put in as files of a Maildir, 50,000 in seconds, and looked at and changed by `doveadm`, which shares nothing
with what is tested.
"""

import base64
import grp
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest

from support.certificates import Authority
from support.ports import free_port

USER = "ana@example.com"
PASSWORD = "correct horse"
_PROGRAM = "/usr/sbin/dovecot"
_STARTS_WITHIN = 15.0  # seconds
_ROOM = 2 * 1024**3  # bytes

# Everything that it writes is in its folder. Dovecot lets neither its login processes nor mail belong to root: where
# root runs the tests, they belong to the users that Debian's package makes for it, and to nobody.
_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_verbose = yes
auth_failure_delay = 0
auth_username_chars =
mail_location = maildir:~/mail:LAYOUT=fs:INBOX=~/mail/INBOX:INDEX=~/index:CONTROL=~/control:UTF-8
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
first_valid_gid = 1
default_login_user = {login}
default_internal_user = {user}
default_internal_group = {group}
default_client_limit = 2000
default_process_limit = 500
mail_max_userip_connections = 0
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Drafts {{
    special_use = \\Drafts
  }}
  mailbox Junk {{
    special_use = \\Junk
  }}
  mailbox Sent {{
    special_use = \\Sent
  }}
  mailbox Trash {{
    special_use = \\Trash
  }}
}}
passdb {{
  driver = passwd-file
  args = {folder}/users/%u
}}
{oauth}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u allow_all_users=yes
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  user = {user}
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 1
  client_limit = 1000
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {tls_port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 500
}}
{extra}
"""

_OAUTH = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
"""


def _runs(group: int) -> bool:
    """Whether any process of the group has not ended: one that nobody has waited for yet has."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            state, _, its_group = stat.read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(its_group) == group and state not in "ZX":
                return True
    return False


@contextmanager
def running_dovecot(
    *, oauth: str = "", extra: str = "", mechanisms: str = "plain login", password: str = PASSWORD
) -> Iterator["Dovecot"]:
    """With a user, USER, who has an empty INBOX. `oauth` is what Dovecot's OAuth2 passdb is configured with: it allows
    XOAUTH2 and OAUTHBEARER, or the one that `mechanisms` names. `extra` is added to the configuration."""
    # Not in the test's own folder, which others may not enter and whose path is too long for a socket.
    folder = Path(tempfile.mkdtemp(prefix="dovecot-", dir=_in_memory()))
    server = None
    try:
        server = Dovecot(folder, oauth=oauth, extra=extra, mechanisms=mechanisms)
        server.add_user(USER, password)
        server.start()
        yield server
    finally:
        if server is not None:
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)


class Dovecot:
    """`port` speaks in the clear and STARTTLS, `tls_port` TLS. Their certificate is for `localhost` and 127.0.0.1, by
    `authority`; `fingerprint` is its SHA-256."""

    def __init__(self, folder: Path, *, oauth: str, extra: str, mechanisms: str) -> None:
        if not Path(_PROGRAM).exists():
            pytest.skip("dovecot-imapd is not installed")
        self._folder = folder
        self._owner = _owner()
        self._writes = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.tls_port = free_port()
        folder.chmod(0o755)
        (folder / "users").mkdir()
        (folder / "mail").mkdir()
        self._give(folder / "mail")
        self.authority = Authority(folder)
        issued = self.authority.issue("localhost", "127.0.0.1")
        self.fingerprint = issued.fingerprint
        if oauth:
            (folder / "oauth2.conf").write_text(oauth)
            if "oauth" not in mechanisms:
                mechanisms += " xoauth2 oauthbearer"
        self._configuration = folder / "dovecot.conf"
        self._configuration.write_text(
            _CONFIGURATION.format(
                folder=folder,
                certificate=issued.certificate,
                key=issued.key,
                mechanisms=mechanisms,
                oauth=_OAUTH.format(folder=folder) if oauth else "",
                extra=extra,
                port=self.port,
                tls_port=self.tls_port,
                user=self._owner.user,
                group=self._owner.group,
                login=self._owner.login,
                uid=self._owner.uid,
                gid=self._owner.gid,
            )
        )

    def add_user(self, name: str, password: str) -> "Mail":
        """Or another password for one that there is. It holds when this returns."""
        self._writes += 1
        # A file for each: Dovecot looks only once a second whether the size of one that it has read is another.
        path = self._folder / "users" / name.lower()
        is_known = path.exists()
        new = path.with_suffix(".new")
        secret = base64.b64encode(password.encode()).decode()
        new.write_text(f"{name.lower()}:{{PLAIN.B64}}{secret}::::::\n" + "#" * self._writes + "\n")
        new.chmod(0o644)
        new.replace(path)
        if is_known and self._process is not None:
            self._await_password(name, password)
        mail = self.mail(name)
        mail.create("INBOX")
        return mail

    def mail(self, user: str = USER) -> "Mail":
        return Mail(self, user, self._folder / "mail" / user)

    def start(self) -> None:
        with (self._folder / "errors").open("w") as errors:
            self._process = subprocess.Popen(
                [_PROGRAM, "-F", "-c", str(self._configuration)],
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,  # ended together with all that it started
            )
        until = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as client:
                if client.recv(64).startswith(b"* OK"):
                    return
            time.sleep(0.02)
        self.kill()
        raise AssertionError(f"Dovecot did not start. {(self._folder / 'errors').read_text()}{self.log()}")

    def stop(self) -> None:
        """As an operator does: clients are told that it ends."""
        if self._process is not None:
            self._process.terminate()
            os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
            self.kill()

    def kill(self) -> None:
        """Ends every process of it at once (SIGKILL)."""
        if self._process is not None:
            group = self._process.pid
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
            self._process.wait()
            self._process = None
            until = time.monotonic() + _STARTS_WITHIN
            while _runs(group) and time.monotonic() < until:  # what it started holds its sockets a moment longer
                time.sleep(0.01)

    def restart(self) -> None:
        self.stop()
        self.start()

    def log(self) -> str:
        """The end of it."""
        log = self._folder / "dovecot.log"
        return log.read_text(errors="replace")[-5000:] if log.exists() else ""

    def doveadm(self, *arguments: str, stdin: bytes = b"") -> str:
        """What it prints. It needs the server to run."""
        ended = subprocess.run(
            ["/usr/bin/doveadm", "-c", str(self._configuration), *arguments],
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert ended.returncode == 0, f"doveadm {arguments}: {ended.stderr.decode(errors='replace')}{self.log()}"
        return ended.stdout.decode()

    def _await_password(self, name: str, password: str) -> None:
        until = time.monotonic() + _STARTS_WITHIN
        while time.monotonic() < until:
            tried = subprocess.run(
                ["/usr/bin/doveadm", "-c", str(self._configuration), "auth", "test", name, password],
                capture_output=True,
                check=False,
            )
            if tried.returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError(f"Dovecot does not take the new password. {self.log()}")

    def _give(self, *paths: Path) -> None:
        """To whom mail belongs."""
        if os.getuid() != self._owner.uid:
            for path in paths:
                os.chown(path, self._owner.uid, self._owner.gid)

    def _make(self, path: Path, below: Path) -> None:
        """A folder, and those between it and `below`."""
        missing = [each for each in (path, *path.parents) if each.is_relative_to(below) and not each.exists()]
        for each in reversed(missing):
            each.mkdir()
            self._give(each)


class Mail:
    """The mailboxes of a user. Names have "/" between their elements."""

    def __init__(self, server: Dovecot, user: str, folder: Path) -> None:
        self._server = server
        self._folder = folder / "mail"
        self.user = user

    def create(self, *mailboxes: str) -> None:
        """Those that are there stay as they are."""
        for mailbox in mailboxes:
            for part in ("cur", "new", "tmp"):
                self._server._make(self._folder / mailbox / part, self._folder.parents[1])

    def deliver(
        self,
        raws: bytes | Iterable[bytes],
        mailbox: str = "INBOX",
        *,
        flags: str = "",
        received: datetime | None = None,
    ) -> int:
        """Puts in messages, with CRLF, whose UIDs will ascend; how many. `flags` are the letters of Maildir: D(raft)
        F(lagged) R(eplied) S(een) T(rashed). Works also while the server is down."""
        self.create(mailbox)
        folder = self._folder / mailbox
        count = 0
        for raw in (raws,) if isinstance(raws, bytes) else raws:
            crlf = len(raw) + raw.count(b"\n") - raw.count(b"\r\n")
            # UIDs are given in the order of the names. Sizes in them (S, W) spare Dovecot to read every file.
            name = f"{next(_ORDER)}.M0P1.test,S={len(raw)},W={crlf}:2,{''.join(sorted(flags))}"
            # Who owns it does not matter, as long as Dovecot may read it.
            file = os.open(f"{folder}/cur/{name}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            try:
                assert os.write(file, raw) == len(raw)
                if received is not None:
                    os.utime(file, (received.timestamp(), received.timestamp()))
            finally:
                os.close(file)
            count += 1
        return count

    def messages(self, mailbox: str = "INBOX") -> dict[int, "Stored"]:
        """By UID, as the server has them."""
        return {message.uid: message for message in self.everything(mailbox)}

    def everything(self, mailbox: str = "*") -> Sequence["Stored"]:
        """Of all mailboxes, in the order of their names and UIDs: two of them are equal if nothing has changed."""
        printed = self._doveadm("-f", "tab", "fetch", "mailbox uid flags modseq guid", "mailbox", mailbox, "all")
        lines = [line.split("\t") for line in printed.splitlines()[1:]]
        return sorted(
            Stored(name, int(uid), tuple(sorted({*flags.split()} - {"\\Recent"})), int(modseq), guid)
            for name, uid, flags, modseq, guid in lines
        )

    def flag(self, query: str, *flags: str, mailbox: str = "INBOX") -> None:
        """Adds flags (`\\Seen`, or keywords) to the messages of a search (doveadm-search-query(7)): `uid 1:5`."""
        self._doveadm("flags", "add", " ".join(flags), "mailbox", mailbox, *query.split())

    def unflag(self, query: str, *flags: str, mailbox: str = "INBOX") -> None:
        self._doveadm("flags", "remove", " ".join(flags), "mailbox", mailbox, *query.split())

    def expunge(self, query: str, *, mailbox: str = "INBOX") -> None:
        self._doveadm("expunge", "mailbox", mailbox, *query.split())

    def move(self, query: str, target: str, *, mailbox: str = "INBOX") -> None:
        self._doveadm("move", target, "mailbox", mailbox, *query.split())

    def copy(self, query: str, target: str, *, mailbox: str = "INBOX") -> None:
        self._doveadm("copy", target, "mailbox", mailbox, *query.split())

    def rename(self, mailbox: str, name: str) -> None:
        self._doveadm("mailbox", "rename", mailbox, name)

    def delete(self, mailbox: str) -> None:
        self._doveadm("mailbox", "delete", mailbox)

    def new_uid_validity(self, mailbox: str, validity: int) -> None:
        """As after a restored backup: the messages get new UIDs where the numbering is another."""
        self._doveadm("mailbox", "update", "--uid-validity", str(validity), mailbox)

    def _doveadm(self, *arguments: str) -> str:
        options: list[str] = []
        rest = list(arguments)
        while rest[0].startswith("-"):
            options += rest[:2]
            del rest[:2]
        words = 2 if rest[0] in ("mailbox", "flags") else 1  # of the command; the user is named after them
        return self._server.doveadm(*options, *rest[:words], "-u", self.user, *rest[words:])


@dataclass(frozen=True, slots=True, order=True)
class Stored:
    """A message as the server has it."""

    mailbox: str
    uid: int
    flags: tuple[str, ...]
    modseq: int
    guid: str


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whom Dovecot's processes and the mail belong to."""

    user: str
    group: str
    login: str
    uid: int
    gid: int


def _owner() -> _Owner:
    known = pwd.getpwuid(os.getuid())
    if known.pw_uid != 0:
        return _Owner(known.pw_name, grp.getgrgid(known.pw_gid).gr_name, known.pw_name, known.pw_uid, known.pw_gid)
    nobody = pwd.getpwnam("nobody")
    return _Owner("dovecot", "dovecot", "dovenull", nobody.pw_uid, nobody.pw_gid)


def _in_memory() -> str | None:
    """Where files cost a fifth of what they cost on a disk."""
    path = "/dev/shm"
    roomy = os.access(path, os.W_OK) and shutil.disk_usage(path).free > _ROOM
    return path if roomy else None


def _numbers() -> Iterator[int]:
    number = 1_700_000_000
    while True:
        number += 1
        yield number


_ORDER = _numbers()
