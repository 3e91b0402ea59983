"""`ic up`: what the processes that it starts find around them."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from entrypoints.up import Copy, Places
from settings import PRIVATE, Settings

REAL = {"SLACK_BOT_TOKEN": "xoxb-1", "PAGERDUTY_API_KEY": "p", "PAGERDUTY_FROM": "bob@example.com"}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine whose `python3` is of no use for the shop."""
    old = tmp_path / "bin" / "python3"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(old.parent))
    return old


def _python3(copy: Copy) -> str | None:
    return shutil.which("python3", path=copy.environment("worker-runner")["PATH"])


def test_the_shop_is_repaired_with_the_python_that_runs_everything_else(tmp_path: Path, machine: Path) -> None:
    copy = Copy(Places(tmp_path), Settings.model_validate({}), practice=True)
    assert _python3(copy) == str(Path(sys.executable).parent / "python3")


def test_a_real_repair_finds_the_programs_of_its_machine(tmp_path: Path, machine: Path) -> None:
    copy = Copy(Places(tmp_path), Settings.model_validate(REAL), practice=False)
    assert _python3(copy) == str(machine)


def test_each_process_has_the_secrets_that_it_needs_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PRIVATE:
        monkeypatch.setenv(name, f"the {name}")
    monkeypatch.setenv("KUBECONFIG", "/etc/kube")  # what repairs need is the machine's own
    copy = Copy(Places(tmp_path), Settings.model_validate(REAL), practice=False)

    def has(program: str) -> set[str]:
        return set(PRIVATE) & copy.environment(program).keys()

    for program in ("temporal", "emulators", "shop", "worker-runner"):
        assert has(program) == set()
    assert copy.environment("worker-runner")["KUBECONFIG"] == "/etc/kube"
    assert has("worker-incident") == has("worker-roles") >= {"SLACK_BOT_TOKEN", "PAGERDUTY_API_KEY", "DATABASE_URL"}
    assert "SLACK_APP_TOKEN" not in has("worker-incident")
    assert has("listener") >= {"SLACK_APP_TOKEN", "SLACK_BOT_TOKEN", "PAGERDUTY_WEBHOOK_SECRET", "PAGERDUTY_API_KEY"}
    assert not has("listener") & {"STATUSPAGE_API_KEY", "X_API_SECRET"}
    assert has("something new") == set()
