"""Where master keys are kept: a file, the keyring of the operating system, or the environment.

A keeper holds a current key and, while a rotation is not over, the ones before it. In a file or a keyring they are one
base64 key on each line, the current one first.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from mcpkit.database.faults import translated
from mcpkit.errors import ErrorCode, Fault
from mcpkit.security.secrets.encryption import MasterKey, MasterKeys
from mcpkit.security.secrets.key_files import refuse_shared


class KeyKeeper(Protocol):
    """All of it may block. Raises Fault CONFIGURATION where what is kept cannot be used."""

    @property
    def place(self) -> str:
        """For people: callers are told it too, so that it names a file without its folder."""
        ...

    @property
    def file(self) -> Path | None:
        """With its folder, where it is a file: for whoever runs the server."""
        ...

    @property
    def can_store(self) -> bool: ...

    def load(self) -> MasterKeys | None:
        """None where there is no key yet."""
        ...

    def store(self, keys: MasterKeys) -> None:
        """In place of what was kept, wholly or not at all."""
        ...


class FileKeeper:
    """A file of the owner's alone. Keys that others could read are refused."""

    can_store = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self.place = path.name
        self.file: Path | None = path

    def load(self) -> MasterKeys | None:
        with translated(self._path):
            try:
                text = self._path.read_text("ascii", errors="replace")
            except FileNotFoundError:
                return None
            refuse_shared(self._path)
        return _parsed(text, self.place, self._path)

    def store(self, keys: MasterKeys) -> None:
        draft = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        with translated(self._path):
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="ascii") as file:
                    file.write(keys_as_text(keys))
                    file.flush()
                    os.fsync(file.fileno())
                draft.replace(self._path)
                self._sync_folder()
            except BaseException:
                with suppress(FileNotFoundError):
                    draft.unlink()
                raise

    def _sync_folder(self) -> None:
        """So that the new name, too, survives a power cut: secrets are about to depend on it."""
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class KeyringKeeper:
    """The keyring of the operating system, by the `keyring` package. `name` tells archives apart."""

    can_store = True
    file: Path | None = None

    def __init__(self, service: str, name: str) -> None:
        self._service = service
        self._name = name
        self.place = f"the keyring, under {service}"

    def load(self) -> MasterKeys | None:
        keyring = _keyring()
        try:
            text = keyring.get_password(self._service, self._name)
        except keyring.errors.KeyringError as error:
            raise _unusable(error) from error
        return None if text is None else _parsed(text, self.place)

    def store(self, keys: MasterKeys) -> None:
        keyring = _keyring()
        try:
            keyring.set_password(self._service, self._name, keys_as_text(keys))
        except keyring.errors.KeyringError as error:
            raise _unusable(error) from error


class EnvironmentKeeper:
    """Keys given by whoever starts the process, who alone can change them."""

    can_store = False
    file: Path | None = None

    def __init__(self, current: str, previous: str | None, variable: str) -> None:
        self._current = current
        self._previous = previous
        self.place = f"the variable {variable}"

    def load(self) -> MasterKeys:
        given = [self._current, *([self._previous] if self._previous else [])]
        return _parsed("\n".join(each.strip() for each in given), self.place)

    def store(self, keys: MasterKeys) -> None:
        raise Fault(ErrorCode.CONFIGURATION, f"{self.place} cannot be written from here.")


def _keyring() -> Any:
    """The module, of a package that need not be installed."""
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise Fault(
            ErrorCode.CONFIGURATION,
            "The keyring needs a package that is not installed: install keyring, or keep the key in a file.",
        ) from None
    return keyring


def _unusable(error: Exception) -> Fault:
    return Fault(
        ErrorCode.CONFIGURATION,
        f"The keyring of the operating system cannot be used here ({type(error).__name__}). Unlock it, or keep the key "
        "in a file.",
    )


def keys_as_text(keys: MasterKeys) -> str:
    """As they are kept: the current one first, one on a line."""
    return "".join(f"{key.as_text()}\n" for key in (keys.current, *keys.older))


def _parsed(text: str, place: str, file: Path | None = None) -> MasterKeys:
    try:
        current, *older = [MasterKey.from_text(line) for line in text.split()]
    except ValueError:
        raise Fault(
            ErrorCode.CONFIGURATION,
            f"{place} holds no master key: 32 bytes as base64 or hex, one key on a line. Put back a copy; what was "
            "sealed with a lost key must be stored anew.",
            place=file,
        ) from None
    return MasterKeys(current, tuple(older))
