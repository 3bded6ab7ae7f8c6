"""The board of the background, as a file beside the archive."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from mailquery.repositories.background import Activity, HostStanding
from mcpkit.database.files import private_file
from mcpkit.database.writer_lock import WriterLock
from mcpkit.errors import Fault

logger = logging.getLogger(__name__)

_LARGEST = 4 * 1024 * 1024  # bytes


class BoardFile:
    """`folder` is the archive's. Calls are of one thread at a time, and short."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "background.json"
        self._lock_path = folder / "background.lock"
        self._lock = WriterLock(self._lock_path)
        self._has_turn = False
        self._shown: Mapping[str, Activity] | None = None

    def take_turn(self) -> bool:
        if not self._has_turn:
            try:
                self._lock.acquire()
            except (Fault, OSError) as error:
                if isinstance(error, OSError):
                    logger.warning("%s cannot be locked: %s", self._lock_path, error.strerror)
                return False
            self._has_turn = True
        return True

    def give_up_turn(self) -> None:
        if self._has_turn:
            self._path.unlink(missing_ok=True)
            self._shown = None
            self._has_turn = False
            self._lock.release()

    def show(self, activities: Mapping[str, Activity]) -> None:
        if not self._has_turn or activities == self._shown:
            return
        new = self._path.with_suffix(".new")
        try:
            private_file(new)
            new.write_text(
                json.dumps({name: asdict(each) for name, each in activities.items()}, default=_text), "utf-8"
            )
            os.replace(new, self._path)
        except OSError as error:  # the disk is full, perhaps: what is shown helps, and nothing depends on it
            logger.info("what is done in the background is not shown: %s", error.strerror)
            return
        self._shown = dict(activities)

    def read(self) -> Mapping[str, Activity] | None:
        if self._has_turn:
            return self._shown or {}
        if not self._is_taken():
            return None
        try:
            with self._path.open("rb") as file:
                return {name: _activity(fields) for name, fields in json.loads(file.read(_LARGEST)).items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return {}  # not written yet, or by another version

    def _is_taken(self) -> bool:
        try:
            return self._lock.is_held()
        except OSError:
            return True


def _text(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


def _activity(fields: dict[str, Any]) -> Activity:
    host = fields["host"]
    return Activity(
        running_since=_moment(fields["running_since"]),
        stored=int(fields["stored"]),
        wanted=int(fields["wanted"]),
        next_run=_moment(fields["next_run"]),
        watched=bool(fields["watched"]),
        host=HostStanding(str(host["host"]), str(host["state"]), int(host["failures"]), _moment(host["next_try"]))
        if host
        else None,
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
