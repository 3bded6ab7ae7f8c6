"""The script that makes the environment: when it has something to do, and what it refuses."""

import importlib.util
import json
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """environment.py, for an empty checkout in `tmp_path`."""
    spec = importlib.util.spec_from_file_location("environment", ROOT / "scripts" / "lib" / "environment.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / ".venv").mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    locks = {level: tmp_path / f"{level}.lock" for level in ("runtime", "dev")}
    for level, lock in locks.items():
        lock.write_text(f"{level}==1\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "STAMP", tmp_path / ".venv" / "stamp.json")
    monkeypatch.setattr(module, "LOCKS", locks)
    monkeypatch.setattr(module, "TOOLS", tmp_path / ".tools")
    return module


def stamp(script: ModuleType, level: str) -> None:
    script.STAMP.write_text(json.dumps(script.stamp_for(level)))


def test_a_new_checkout_is_not_current(script: ModuleType) -> None:
    assert not script.is_current("runtime")


def test_what_was_made_is_current_until_its_lock_changes(script: ModuleType) -> None:
    stamp(script, "runtime")
    assert script.is_current("runtime")
    assert not script.is_current("dev")
    script.LOCKS["runtime"].write_text("runtime==2\n")
    assert not script.is_current("runtime")


def test_a_development_environment_serves_for_running(script: ModuleType) -> None:
    stamp(script, "dev")
    assert script.is_current("runtime")


def test_a_changed_project_or_a_moved_checkout_is_not_current(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamp(script, "runtime")
    monkeypatch.setattr(script, "ROOT", tmp_path / "elsewhere")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "pyproject.toml").write_text("[project]\n")
    assert not script.is_current("runtime")
    monkeypatch.setattr(script, "ROOT", tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert not script.is_current("runtime")


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_a_broken_stamp_is_none(script: ModuleType, content: str) -> None:
    script.STAMP.write_text(content)
    assert not script.is_current("runtime")


def test_a_setup_that_fails_leaves_no_stamp(script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    stamp(script, "runtime")
    script.LOCKS["runtime"].write_text("runtime==2\n")

    def fail(*command: str) -> None:
        raise script.SetupError("no index")

    monkeypatch.setattr(script, "find_uv", lambda: "uv")
    monkeypatch.setattr(script, "run", fail)
    with pytest.raises(script.SetupError):
        script.main("runtime")
    assert not script.STAMP.exists()


def test_a_uv_that_is_too_old_or_does_not_run_is_not_taken(script: ModuleType, tmp_path: Path) -> None:
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho uv 0.4.30\n")
    uv.chmod(0o755)
    assert script.version_of(str(uv)) < script.OLDEST_UV
    assert script.version_of(str(tmp_path / "none")) < script.OLDEST_UV
    uv.write_text("#!/bin/sh\necho uv 0.13.8 '(x86_64)'\n")
    assert script.version_of(str(uv)) >= script.OLDEST_UV


def test_a_program_that_fails_is_reported_with_what_to_do(script: ModuleType) -> None:
    with pytest.raises(script.SetupError, match=r"exit code 1.*package index"):
        script.run("false")
    with pytest.raises(script.SetupError, match="could not be started"):
        script.run("/nowhere/uv")


def test_an_old_python_is_refused_with_a_clear_line(tmp_path: Path) -> None:
    for name in ("python", "python3", "python3.11", "python3.12", "python3.13", "python3.14"):
        old = tmp_path / name
        old.write_text("#!/bin/sh\nexit 1\n")
        old.chmod(0o755)
    copy = tmp_path / "checkout" / "scripts" / "lib"
    copy.mkdir(parents=True)
    (copy / "env.sh").write_bytes((ROOT / "scripts" / "lib" / "env.sh").read_bytes())
    done = subprocess.run(
        ["/bin/bash", "-c", f'. "{copy}/env.sh"; environment runtime'],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr
