"""Makes the checkout's environment (`.venv`) hold exactly what its lock file says. Standard library only.

    environment.py runtime    what the server needs
    environment.py dev        that, and what the tests and checks need
    environment.py uv         prints the path of a `uv` that will do, installing one if there is none

Nothing is done, and no network used, where the environment is up to date: a stamp in it holds the lock's digest.
"""

import contextlib
import fcntl
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
STAMP = VENV / "mailquery-environment.json"
TOOLS = ROOT / ".tools"
UV_LOCK = ROOT / "scripts" / "lib" / "uv-requirements.lock"
LOCKS = {"runtime": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
OLDEST_UV = (0, 9)
UV_INDEXES = {"UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE"}
UV_CONFIGURATION = (
    Path(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "uv", "uv.toml"),
    Path("/etc/uv/uv.toml"),
)


class SetupError(Exception):
    """The environment cannot be made; the message says why and what to do."""


def main(wanted: str) -> None:
    if wanted == "uv":
        print(find_uv())
        return
    if is_current(wanted):
        return
    with only_one():
        if not is_current(wanted):
            synchronise(wanted)


# --- is there anything to do? ----------------------------------------------------------------------------------------


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stamp_for(level: str) -> dict[str, str]:
    """What the environment was made from. The folder is part of it: scripts and links in it hold absolute paths."""
    return {
        "level": level,
        "lock": digest(LOCKS[level]),
        "project": digest(ROOT / "pyproject.toml"),
        "folder": str(ROOT),
    }


def read_stamp() -> dict[str, str]:
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def is_current(wanted: str) -> bool:
    """A development environment serves for running too."""
    stamp = read_stamp()
    level = stamp.get("level", "")
    return level in {wanted, "dev"} and stamp == stamp_for(level)


# --- making it -------------------------------------------------------------------------------------------------------


def synchronise(wanted: str) -> None:
    stamp = read_stamp()
    say("Setting up the environment; the first time this takes about a minute." if not stamp else "Updating .venv.")
    uv = find_uv()
    # What tests and checks need is not taken away from an environment that has it.
    level = "dev" if stamp.get("level") == "dev" or (VENV / "bin" / "pytest").exists() else wanted
    STAMP.unlink(missing_ok=True)
    if stamp.get("folder", str(ROOT)) != str(ROOT) or not runs(VENV / "bin" / "python"):
        run(uv, "venv", "--quiet", "--clear", "--python", interpreter(), str(VENV))
    target = ("--python", str(VENV / "bin" / "python"))
    quiet = () if sys.stderr.isatty() else ("--quiet",)
    run(uv, "pip", "sync", *quiet, "--require-hashes", "--compile-bytecode", *target, str(LOCKS[level]))
    # The build backend is in the lock, hence no isolated build, which would fetch one that is not.
    run(uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--no-build-isolation", *target, "-e", str(ROOT))
    partial = STAMP.with_suffix(".partial")
    partial.write_text(json.dumps(stamp_for(level)), "utf-8")
    partial.replace(STAMP)


def interpreter() -> str:
    """The Python behind this one: a virtual environment is not made from another."""
    return getattr(sys, "_base_executable", None) or sys.executable


def runs(python: Path) -> bool:
    try:
        done = subprocess.run(
            [python, "-I", "-S", "-c", "import sys; sys.exit(sys.version_info < (3, 11))"], capture_output=True
        )
    except OSError:
        return False
    return done.returncode == 0


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Two scripts started at once: the second waits, and then finds the work done."""
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another run is setting up the environment; waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


# --- uv --------------------------------------------------------------------------------------------------------------


def find_uv() -> str:
    private = TOOLS / "uv" / "bin" / "uv"
    for candidate in (shutil.which("uv"), str(private)):
        if candidate and version_of(candidate) >= OLDEST_UV:
            return candidate
    say("Installing uv into .tools/uv.")
    install_uv(private.parent.parent)
    if version_of(str(private)) < OLDEST_UV:
        raise SetupError(f"uv was installed into {private.parent}, but it does not run on this machine.")
    return str(private)


def version_of(uv: str) -> tuple[int, ...]:
    try:
        done = subprocess.run([uv, "--version"], capture_output=True, text=True)
    except OSError:
        return ()
    found = re.match(r"uv (\d+)\.(\d+)", done.stdout)
    return tuple(map(int, found.groups())) if found else ()


def install_uv(folder: Path) -> None:
    """By pip into an environment of its own; where Python came without `ensurepip` (Debian), by the system's pip."""
    shutil.rmtree(folder, ignore_errors=True)
    install = (
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary",
        ":all:",
        "--require-hashes",
    )
    made = subprocess.run([interpreter(), "-m", "venv", str(folder)], capture_output=True)
    if made.returncode == 0:
        run(str(folder / "bin" / "python"), *install, "-r", str(UV_LOCK))
        return
    shutil.rmtree(folder, ignore_errors=True)
    if subprocess.run([interpreter(), "-m", "pip", "--version"], capture_output=True).returncode != 0:
        raise SetupError(
            "Neither `python3 -m venv` nor `python3 -m pip` works with this Python. "
            "Install them (Debian and Ubuntu: apt install python3-venv), or install uv, and try again."
        )
    run(interpreter(), *install, "--target", str(folder), "-r", str(UV_LOCK))


# --- running programs ------------------------------------------------------------------------------------------------


def child_environment() -> dict[str, str]:
    """This process's, without what would point the tools at another environment, and with pip's index for uv."""
    foreign = {"VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH"}
    variables = {name: value for name, value in os.environ.items() if name not in foreign}
    if not os.access(os.path.expanduser("~"), os.W_OK):
        variables.setdefault("UV_CACHE_DIR", str(TOOLS / "cache" / "uv"))
        variables.setdefault("PIP_CACHE_DIR", str(TOOLS / "cache" / "pip"))
    variables.setdefault("UV_SYSTEM_CERTS", "1")  # as pip does: a company's own authority is trusted by the system
    if "PIP_CERT" in variables:
        variables.setdefault("SSL_CERT_FILE", variables["PIP_CERT"])
    if not UV_INDEXES & variables.keys() and not any(path.exists() for path in UV_CONFIGURATION):
        index = pip_index()
        if index:
            variables["UV_DEFAULT_INDEX"] = index
    return variables


@functools.cache
def pip_index() -> str:
    """The package index that pip is configured for, empty for its default. uv does not read pip's settings."""
    if "PIP_INDEX_URL" in os.environ:
        return os.environ["PIP_INDEX_URL"]
    asked = subprocess.run(
        [interpreter(), "-m", "pip", "config", "get", "global.index-url"], capture_output=True, text=True
    )
    return asked.stdout.strip() if asked.returncode == 0 else ""


def run(*command: str) -> None:
    try:
        done = subprocess.run(command, env=child_environment(), stdout=sys.stderr)
    except OSError as error:
        raise SetupError(f"{command[0]} could not be started: {error.strerror}.") from error
    if done.returncode != 0:
        raise SetupError(
            f"`{' '.join(command[:3])} ...` failed (exit code {done.returncode}); its message is above. "
            "The packages come from the package index that uv or pip is configured for: is it reachable?"
        )


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in {*LOCKS, "uv"}:
        sys.exit(f"usage: environment.py {' | '.join(LOCKS)} | uv")
    try:
        main(sys.argv[1])
    except SetupError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
