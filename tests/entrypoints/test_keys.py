"""`ic keys` and what `ic doctor` says of keys."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from entrypoints.doctor import _keys
from settings import Settings
from tests.configured import example
from tests.conftest import ROOT
from tests.signing import LISTENER, Key, with_keys
from tests.stories.copy import Real

needs_openssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="openssh-client is not installed")


def settings(folder: Path, config: str) -> Settings:
    file = folder / "organisation.toml"
    file.write_text(config)
    return Real.model_validate({"DONT_PANIC_CONFIG": str(file), "DONT_PANIC_STATE": str(folder / "state")})


def listener_key(folder: Path, key: Key, mode: int = 0o600) -> None:
    file = folder / "state" / "keys" / "listener.key"
    file.parent.mkdir(parents=True)
    file.write_bytes(key.file)
    file.chmod(mode)


def ic_keys(folder: Path, *words: str) -> tuple[int, str]:
    environment = {
        "DONT_PANIC_CONFIG": str(folder / "organisation.toml"),
        "DONT_PANIC_STATE": str(folder / "state"),
        "HOME": str(folder),
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "entrypoints.cli", "keys", *words],
        cwd=ROOT,
        env={**os.environ, "SSH_AUTH_SOCK": "", "IC_KEY": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@needs_openssh
def test_it_shows_whose_my_key_is_or_the_line_to_add(tmp_path: Path) -> None:
    settings(tmp_path, with_keys(example()))
    listener_key(tmp_path, LISTENER)
    folder = tmp_path / ".ssh"
    folder.mkdir()
    for key, well, shown in ((Key("bob"), 0, "Bob Boberson (@bob)"), (Key("new"), 1, "")):
        (folder / "id_ed25519").write_bytes(key.file)
        (folder / "id_ed25519").chmod(0o600)
        (folder / "id_ed25519.pub").write_text(f"{key.public.line}\n")
        code, told = ic_keys(tmp_path)
        wanted = shown or f'Add it to your entry under [[people]]: keys = ["{key.public.line}"]'
        assert code == 0 and key.public.fingerprint in told and wanted in told
        code, told = ic_keys(tmp_path, "check")
        assert code == well and (f"signs, as {shown}." in told if shown else "No key here is known" in told)


def test_it_shows_the_listeners_line_until_it_is_added(tmp_path: Path) -> None:
    settings(tmp_path, example())
    listener_key(tmp_path, LISTENER)
    _, told = ic_keys(tmp_path)
    assert f'name = "listener", kind = "slack", key = "{LISTENER.public.line.rpartition(" the ")[0]}' in told
    settings(tmp_path, with_keys(example()))
    _, told = ic_keys(tmp_path)
    assert "the door 'listener', for people in Slack" in told and "not known" not in told


def test_the_doctor_says_what_lacks_outside_of_practice(tmp_path: Path) -> None:
    bare = settings(tmp_path, example())
    states = {finding.name: (finding.state, finding.what) for finding in _keys(bare, bare.organisation)}
    assert states["doors"] == ("missing", "no listener's key: decisions made in Slack are refused")
    assert "Bob Boberson" in states["people's keys"][1]
    listener_key(tmp_path, Key("another"), 0o644)
    keyed = settings(tmp_path, with_keys(example()))
    states = {finding.name: (finding.state, finding.what) for finding in _keys(keyed, keyed.organisation)}
    assert states["doors"][0] == "ok" and states["listener's key"][0] == "broken"
    keyed.listener_key.chmod(0o600)
    (_, known, _) = _keys(keyed, keyed.organisation)
    assert known.state == "missing" and "is not known" in known.what
    keyed.listener_key.write_bytes(LISTENER.file)
    assert _keys(keyed, keyed.organisation)[1].state == "ok"


def test_a_practice_needs_none(tmp_path: Path) -> None:
    local = {"SLACK_API_URL": "http://127.0.0.1:1", "PAGERDUTY_API_URL": "http://127.0.0.1:1"}
    practice = Settings.model_validate(local)
    assert [finding.state for finding in _keys(practice, practice.organisation)] == ["skipped"]


def test_the_organisations_file_is_read_again_when_it_changed_and_a_broken_one_is_not_taken(tmp_path: Path) -> None:
    present = settings(tmp_path, example())
    assert present.present().public_keys() == []
    present.config.write_text(with_keys(example()))
    assert present.present().public_keys()
    present.config.write_text("rubbish =")
    assert present.present().public_keys()
