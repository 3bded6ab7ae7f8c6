"""A Dovecot of the benchmark's own on loopback, which serves a copy of an archive's Maildir."""

import grp
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from mailbench.cache import Archive, bench_folder

USER = "bench"
PASSWORD = "bench"
_PROGRAM = Path("/usr/sbin/dovecot")
_STARTS_WITHIN = 15.0  # seconds

# Everything that it writes is in its folder. Dovecot lets neither its login processes nor mail belong to root: where
# root runs the benchmark, they belong to the users that Debian's package makes for it, and to nobody.
_CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail:INDEX={folder}/index:CONTROL={folder}/control
maildir_copy_with_hardlinks = yes
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
first_valid_gid = 1
default_login_user = {login}
default_internal_user = {user}
default_internal_group = {group}
mail_max_userip_connections = 100
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


class DovecotFailed(Exception):
    """Dovecot did not start; the message has the end of its log."""


def is_installed() -> bool:
    return _PROGRAM.exists()


@dataclass(frozen=True, slots=True)
class _Owner:
    """Whom Dovecot's processes and the mail belong to."""

    user: str
    group: str
    login: str
    uid: int
    gid: int

    @classmethod
    def of(cls, uid: int) -> Self:
        known = pwd.getpwuid(uid)
        group = grp.getgrgid(known.pw_gid).gr_name
        if uid != 0:
            return cls(known.pw_name, group, known.pw_name, uid, known.pw_gid)
        nobody = pwd.getpwnam("nobody")
        return cls("dovecot", "dovecot", "dovenull", nobody.pw_uid, nobody.pw_gid)


class MailFolder:
    """The Maildir++ that is served. Messages are added and changed as a delivery and a mail program would."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add_mailboxes(self, count: int) -> None:
        for number in range(count):
            for part in ("cur", "new", "tmp"):
                (self._path / f".Project {number:03d}" / part).mkdir(parents=True)
        owner = self._path.stat()
        if owner.st_uid != os.getuid():
            _give_away(self._path, owner.st_uid, owner.st_gid)

    def deliver(self, count: int) -> None:
        """New messages in INBOX."""
        for number in range(count):
            raw = (
                f"From: Nadia <nadia@example.org>\r\nTo: bench@example.com\r\nSubject: delivered {number}\r\n"
                f"Message-ID: <{time.time_ns()}.{number}@example.org>\r\nDate: Thu, 26 Nov 2026 10:00:00 +0000\r\n\r\n"
                "Just delivered.\r\n"
            )
            (self._path / "new" / f"{time.time_ns()}.{number}.mailbench").write_bytes(raw.encode())

    def mark(self, count: int) -> int:
        """Gives so many messages of INBOX the flag that they have not: \\Flagged; how many were changed."""
        changed = 0
        for path in sorted((self._path / "cur").iterdir()):
            name, _, flags = path.name.partition(":2,")
            if "F" in flags:
                continue
            path.rename(path.with_name(f"{name}:2,{''.join(sorted(flags + 'F'))}"))
            changed += 1
            if changed == count:
                break
        return changed


@contextmanager
def serving(archive: Archive) -> Iterator[tuple[int, MailFolder]]:
    """Dovecot's port, and the mail that it serves: hard links to the archive's files, which stay as they are."""
    folder = bench_folder() / "dovecot"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copytree(archive.maildir, folder / "mail", copy_function=os.link)
    for part in ("index", "control", "home"):
        (folder / part).mkdir()
    owner = _Owner.of(os.getuid())
    if owner.login != owner.user:
        _give_away(folder, owner.uid, owner.gid)
    port = free_port()
    configuration = folder / "dovecot.conf"
    configuration.write_text(_CONFIGURATION.format(folder=folder, password=PASSWORD, port=port, **asdict(owner)))
    process = subprocess.Popen([_PROGRAM, "-F", "-c", configuration], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _await(process, port, folder)
        yield port, MailFolder(folder / "mail")
    finally:
        process.terminate()
        process.wait()


def _give_away(folder: Path, uid: int, gid: int) -> None:
    """Folders only: the files are the archive's own, and may be read by all."""
    for path in (*folder.parents, folder):
        if path.stat().st_uid == os.getuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o011)  # to go through
    for path in folder.rglob("*"):
        if path.is_dir():
            os.chown(path, uid, gid)


def _await(process: "subprocess.Popen[bytes]", port: int, folder: Path) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            if client.recv(64).startswith(b"* OK"):
                return
        time.sleep(0.05)
    process.terminate()
    _, errors = process.communicate()
    log = folder / "dovecot.log"
    raise DovecotFailed(errors.decode() + (log.read_text()[-2000:] if log.exists() else ""))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
