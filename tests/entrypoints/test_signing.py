"""A door's own key, ssh-agent and ssh-keygen: real programs sign, and what they sign is verified."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from entrypoints import signing
from entrypoints.problems import CannotSign
from entrypoints.signing import DoorKey
from incident import proof
from incident.keys import BadKey
from incident.policy import read_organisation
from incident.proof import Signed
from tests.configured import example
from tests.signing import LISTENER, Key, with_keys

# -- OpenSSH's own programs -----------------------------------------------------------------------------

needs_openssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="openssh-client is not installed")


def run(*argv: str, input: str = "") -> str:
    return subprocess.run(argv, input=input, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "id_ed25519"
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "bob@laptop", "-f", str(file))
    return file


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    while not socket.exists():
        assert process.poll() is None, "the agent did not start"
        time.sleep(0.005)
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    yield socket
    process.terminate()
    process.wait()


def accepts(line: str, text: str, written: str) -> bool:
    text_of_policy = with_keys(example()).replace(Key("bob").public.line, line)
    policy = read_organisation(text_of_policy, "x").policy()
    return proof.standing(policy, Signed(text, written), person="bob", door="cli").proven


@needs_openssh
async def test_what_ssh_keygen_signs_is_verified(key_file: Path) -> None:
    (key,) = await signing.own_keys(key_file)
    line = key_file.with_suffix(".pub").read_text().strip()
    assert key.public.line == line
    listed = run("ssh-keygen", "-lf", str(key_file))
    assert key.public.fingerprint in listed
    written = await key("déclaré à minuit", needed=False)
    assert accepts(line, "déclaré à minuit", written) and not accepts(line, "declared at midnight", written)


@needs_openssh
async def test_what_the_agent_signs_is_verified(key_file: Path, agent: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(key_file.parent / "nobody"))
    run("ssh-add", "-q", str(key_file))
    (key,) = await signing.own_keys()
    assert key.in_agent and accepts(key.public.line, "over", await key("over", needed=True))
    run("ssh-add", "-q", "-D")
    assert await key("over", needed=False) == ""
    with pytest.raises(CannotSign, match="the agent said no"):
        await key("over", needed=True)


@needs_openssh
async def test_a_passphrase_is_not_asked_for_what_decides_nothing(tmp_path: Path, key_file: Path) -> None:
    run("ssh-keygen", "-q", "-p", "-P", "", "-N", "secret-words", "-f", str(key_file))
    (key,) = await signing.own_keys(key_file)
    assert await asyncio.wait_for(key("page", needed=False), 5) == ""


@needs_openssh
def test_ssh_keygen_verifies_what_we_would_verify(tmp_path: Path) -> None:
    """The other way round: the bytes that a door signs are OpenSSH's own."""
    key, file = Key("bob"), tmp_path / "key"
    file.write_bytes(key.file)
    file.chmod(0o600)
    armored = run("ssh-keygen", "-q", "-Y", "sign", "-n", proof.NAMESPACE, "-f", str(file), input="over")
    assert proof.of_armor(armored) == key.over("over")
    other = run("ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", str(file), input="over")
    with pytest.raises(BadKey, match="for something else"):
        proof.of_armor(other)


# -- the listener's key ---------------------------------------------------------------------------------


async def test_the_listeners_key_is_made_once_readable_by_it_alone_and_replaced_without_a_restart(
    tmp_path: Path,
) -> None:
    file = tmp_path / "state" / "listener.key"
    key = DoorKey(file)
    first = key.public
    assert file.stat().st_mode & 0o777 == 0o600 and [f.name for f in file.parent.iterdir()] == ["listener.key"]
    assert DoorKey(file).public == first
    file.write_bytes(LISTENER.file)
    os.utime(file, ns=(1, 1))
    assert key.public.raw == LISTENER.public.raw
    assert await key("over", needed=True) == LISTENER.over("over")
    file.write_text("rubbish")
    with pytest.raises(CannotSign, match="not an Ed25519 key"):
        _ = key.public
