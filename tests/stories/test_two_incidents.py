"""Nobody commands two incidents: taking command of a second one asks for a handover of the first, or a clear yes."""

from __future__ import annotations

from pathlib import Path

import pytest

from entrypoints.problems import Refused
from tests.configured import example
from tests.stories.copy import running


async def test_command_in_a_second_incident_asks_for_a_handover_or_a_clear_yes(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout is down")
        first = copy.incident
        await copy.say("bob", "command")
        assert (await copy.look()).commander == "bob"
        copy.incident = ""
        await copy.say("sam", "declare 1 search answers nothing")
        second = copy.incident
        with pytest.raises(Refused) as refused:
            await copy.say("bob", "command")
        assert f"You're the IC of {first} (SEV-1 checkout is down)" in str(refused.value)
        assert "`!ic handover @USER`" in str(refused.value) and "`!ic command --also`" in str(refused.value)
        assert (await copy.look()).commander is None

        await copy.say("bob", "command --also")
        assert (await copy.look()).commander == "bob"
        await copy.heard_in_room("This is Bob Boberson, I am the Incident Commander")

        # The first is handed to somebody who has none: nothing is asked.
        copy.incident = first
        await copy.say("bob", "handover @kim")
        await copy.say("kim", "accept")
        await copy.say("kim", "handover @bob")
        with pytest.raises(Refused, match=f"You're the IC of {second}.*`!ic accept --also`"):
            await copy.say("bob", "accept")
        copy.incident = second
        await copy.say("bob", "resolve --insist")
        assert not (await copy.look()).open
        copy.incident = first
        await copy.say("bob", "accept")
        assert (await copy.look()).commander == "bob"
