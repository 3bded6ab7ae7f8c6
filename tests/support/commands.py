"""`mailquery` in this process, with nobody at a terminal: without a new process for each command."""

import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mailquery.cli.app import run


@dataclass(frozen=True)
class Ended:
    code: object
    text: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Commands:
    """`mailquery`, with nobody at a terminal."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self.set = monkeypatch.setenv
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Ended:
        with self._monkeypatch.context() as patched:
            patched.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            with pytest.raises(SystemExit) as ended:
                run(arguments)
        out, err = self._capsys.readouterr()
        return Ended(ended.value.code, out, err)
