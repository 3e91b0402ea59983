"""Whose word a command is, is proved, not claimed: `--as` works in practice only (process, 8). With the program itself."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from incident.model import RepairState
from tests.signing import SAFE, Key
from tests.stories.program import ic
from tests.stories.real import Scene, scene

pytestmark = [
    pytest.mark.story,
    pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="openssh-client is not installed"),
]

FAR_AWAY = {
    "SLACK_API_URL": "https://slack.invalid/api/",
    "PAGERDUTY_API_URL": "https://pagerduty.invalid",
    **dict.fromkeys(("STATUSPAGE_API_KEY", "X_API_KEY"), ""),
    "IC_KEY": "",
    "SSH_AUTH_SOCK": "",
}
"""What makes the program take it for real. It reaches Temporal alone."""


def key_file(folder: Path, key: Key) -> str:
    file = folder / key.public.comment.replace(" ", "-")
    file.write_bytes(key.file)
    file.chmod(0o600)
    return str(file)


async def says(s: Scene, *words: str) -> tuple[int, str]:
    """Exit code, and what it answered."""
    code, out, err = await ic(s.copy, *words, "--incident", s.id)
    return code, out + err.removeprefix("…\n")  # said by whatever takes longer than a second


async def test_a_claim_is_worth_nothing_outside_of_practice(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.copy.environment |= {**FAR_AWAY, "HOME": str(tmp_path)}
        code, answer = await says(s, "approve", "1", "--as", "bob")
        assert code == 2, (code, answer)
        assert "whose word it is, is proved, not claimed" in answer
        code, answer = await says(s, "approve", "1")
        assert code == 1 and "Only the IC decides that" in answer
        code, answer = await says(s, "note", "the graphs look odd")
        assert (code, answer) == (0, "noted\n")
        await s.untouched()


async def test_ones_key_says_who_one_is(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.copy.environment |= {**FAR_AWAY, "HOME": str(tmp_path)}
        code, answer = await says(s, "approve", "1", "--key", key_file(tmp_path, Key("anne")))
        assert code == 1 and "Only the IC decides that. The IC is Bob Boberson" in answer
        code, answer = await says(s, "approve", "1", "--key", key_file(tmp_path, Key("a stranger")))
        assert code == 1 and "Add it to your entry under [[people]]" in answer
        # A key that cannot be used is no reason not to be heard.
        code, answer = await says(s, "note", "still here", "--key", str(tmp_path / "nothing"))
        assert (code, answer) == (0, "noted\n")
        await s.untouched()
        code, answer = await says(s, "approve", "1", "--key", key_file(tmp_path, Key("bob")))
        assert code == 0 and "approved; the runner starts it" in answer
        await s.copy.heard_in_room("did it work?")
        assert s.runs == 1


async def test_a_security_incident_is_read_with_ones_key_alone(tmp_path: Path) -> None:
    """A login, or the public half of a key, is nobody's word: anybody on the machine has them."""
    async with scene(tmp_path) as s:
        s.copy.environment |= {**FAR_AWAY, "HOME": str(tmp_path), "LOGNAME": "bob"}
        key = key_file(tmp_path, Key("bob"))
        public = tmp_path / "half" / "bob.pub"
        public.parent.mkdir()
        public.write_text(Key("bob").public.line)
        code, answer = await says(s, "secure", "--key", key)
        assert code == 0, answer
        for words in (("show",), ("timeline",), ("summary",), ("report", s.id), ("export", s.id)):
            named = () if words[0] in ("report", "export") else ("--incident", s.id)
            code, out, err = await ic(s.copy, *words, *named)
            assert code == 1 and out == "" and "needs your key" in err, (words, out, err)
        code, out, err = await ic(s.copy, "show", "--incident", s.id, "--key", str(public))
        assert code == 1 and out == "", err
        for named in ((), ("--key", str(public))):
            code, out, err = await ic(s.copy, "list", *named)
            assert code == 0 and s.id not in out
        code, out, err = await ic(s.copy, "show", "--incident", s.id, "--key", key)
        assert code == 0 and s.id in out, err
        code, out, err = await ic(s.copy, "list", "--key", key)
        assert code == 0 and s.id in out, err


async def test_the_agents_key_is_found_by_itself(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        socket = tmp_path / "agent"
        agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)  # noqa: ASYNC220  # it returns at once
        try:

            async def listens() -> bool:
                return socket.exists()

            await s.copy.until(listens, "the agent listens")
            for key in (Key("a stranger"), Key("bob")):
                _add(key_file(tmp_path, key), socket)
            s.copy.environment |= {**FAR_AWAY, "HOME": str(tmp_path), "SSH_AUTH_SOCK": str(socket)}
            code, answer = await says(s, "reject", "1", "not", "now")
            assert code == 0, answer
            assert (await s.copy.look()).repairs[1].state is RepairState.REJECTED
        finally:
            agent.terminate()
            agent.wait()


async def test_an_emergency_key_speaks_for_whom_it_names(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.copy.environment |= {**FAR_AWAY, "HOME": str(tmp_path)}
        safe = key_file(tmp_path, SAFE)
        code, answer = await says(s, "reject", "1", "no", "--key", safe)
        assert code == 2 and "say for whom" in answer
        code, answer = await says(s, "reject", "1", "no", "--key", safe, "--as", "bob")
        assert code == 0, answer
        await s.copy.heard_in_room("The break-glass key 'safe' speaks in the name of Bob Boberson: `!ic reject 1 no`")


def _add(file: str, agent: Path) -> None:
    subprocess.run(["ssh-add", "-q", file], check=True, env={"SSH_AUTH_SOCK": str(agent), "PATH": "/usr/bin:/bin"})
