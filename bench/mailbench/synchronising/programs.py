"""The programs that are compared: each brings a whole account into a folder of its own, and keeps it current."""

import json
import os
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from mailbench.cache import bench_folder
from mailbench.commands import environment
from mailbench.measuring import Run, run_measured
from mailbench.synchronising.dovecot import PASSWORD, USER

_ADDRESS = f"{USER}@mail.example"


class Program(Protocol):
    @property
    def name(self) -> str: ...

    def prepare(self, port: int) -> None:
        """From nothing: an empty folder, and the account at this port."""
        ...

    def move(self, port: int) -> None:
        """The same account is reached at another port."""
        ...

    def synchronise(self) -> Run: ...

    def messages(self) -> int:
        """How many it has."""
        ...


class Mailquery:
    """mailquery as a user runs it: the start of its process and of its parsers is part of the time."""

    name = "mailquery sync"

    def __init__(self) -> None:
        self._home = bench_folder() / "mailquery-sync"
        self._variables = environment(self._home)

    def prepare(self, port: int) -> None:
        shutil.rmtree(self._home, ignore_errors=True)
        self._add(port)

    def move(self, port: int) -> None:
        self._command("accounts", "remove", _ADDRESS, "--keep-mail", "--json")
        self._add(port)

    def _add(self, port: int) -> None:
        self._command(
            *("accounts", "add", _ADDRESS, "--host", "127.0.0.1", "--port", str(port), "--security", "none"),
            *("--username", USER, "--password-command", f"echo {PASSWORD}", "--json"),
        )

    def synchronise(self) -> Run:
        return self._command("sync", _ADDRESS, "--json")

    def messages(self) -> int:
        found = json.loads(self._command("status", "--json").output)
        return int(found["messages"])

    def _command(self, *arguments: str) -> Run:
        return run_measured([sys.executable, "-m", "mailquery", *arguments], self._variables)


class _MaildirProgram(ABC):
    """One that copies into Maildirs."""

    def __init__(self, folder: str) -> None:
        self._folder = bench_folder() / folder
        self._configuration = self._folder / "configuration"
        self._mail = self._folder / "mail"

    def prepare(self, port: int) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._mail.mkdir(parents=True)
        self.move(port)

    @abstractmethod
    def move(self, port: int) -> None: ...

    def messages(self) -> int:
        return sum(1 for part in ("cur", "new") for path in self._mail.rglob(f"{part}/*") if path.is_file())

    def _run(self, *command: str | Path) -> Run:
        return run_measured(command, {**os.environ, "HOME": str(self._folder)})


class Mbsync(_MaildirProgram):
    name = "mbsync"

    def __init__(self) -> None:
        super().__init__("mbsync")

    def move(self, port: int) -> None:
        self._configuration.write_text(
            f"IMAPStore far\nHost 127.0.0.1\nPort {port}\nUser {USER}\nPass {PASSWORD}\n"
            "SSLType None\nAuthMechs LOGIN\n\n"
            f"MaildirStore near\nPath {self._mail}/\nInbox {self._mail}/INBOX\nSubFolders Verbatim\n\n"
            "Channel all\nFar :far:\nNear :near:\nPatterns *\nCreate Near\nSync Pull\nSyncState *\n"
        )

    def synchronise(self) -> Run:
        return self._run("mbsync", "-q", "-c", self._configuration, "all")


class OfflineImap(_MaildirProgram):
    """With as many connections as mailquery has."""

    name = "offlineimap"

    def __init__(self) -> None:
        super().__init__("offlineimap")

    def move(self, port: int) -> None:
        self._configuration.write_text(
            f"[general]\naccounts = bench\nmetadata = {self._folder}/metadata\nui = quiet\nfsync = false\n\n"
            "[Account bench]\nlocalrepository = near\nremoterepository = far\n\n"
            f"[Repository near]\ntype = Maildir\nlocalfolders = {self._mail}\n\n"
            "[Repository far]\ntype = IMAP\nreadonly = true\nssl = no\nstarttls = no\nmaxconnections = 4\n"
            f"remotehost = 127.0.0.1\nremoteport = {port}\nremoteuser = {USER}\nremotepass = {PASSWORD}\n"
        )

    def synchronise(self) -> Run:
        return self._run("offlineimap", "-o", "-c", self._configuration)


PEERS = ("mbsync", "offlineimap")


def available(peers: Sequence[str]) -> list[Program]:
    """mailquery, and those of `peers` that are installed."""
    programs: list[Program] = [Mailquery()]
    if "mbsync" in peers and shutil.which("mbsync"):
        programs.append(Mbsync())
    if "offlineimap" in peers and shutil.which("offlineimap"):
        programs.append(OfflineImap())
    return programs
