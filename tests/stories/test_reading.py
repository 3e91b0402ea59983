"""What is shown is what was saved: neither a worker nor the server is asked, unless somebody wants to be sure."""

from __future__ import annotations

import json
from pathlib import Path

from tests.configured import example
from tests.stories import shell
from tests.stories.copy import running
from tests.stories.program import ic


async def test_an_incident_is_shown_while_temporal_is_away(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout is down")
        await copy.say("bob", "command")
        incident = await copy.look()
        connected = dict(copy.environment)
        copy.environment["TEMPORAL_ADDRESS"] = "127.0.0.1:1"
        for words in (("show",), ("show", copy.incident)):
            code, out, err = await ic(copy, *words, "--as", "sam")
            assert (code, err) == (0, "")
            assert "checkout is down" in out and "IC: Bob Boberson" in out and "Last change: " in out
        code, out, _ = await ic(copy, "show", "--json", "--as", "sam")
        shown = json.loads(out)
        assert (shown["id"], shown["title"]) == (copy.incident, "checkout is down") and shown["saved_at"]
        code, out, err = await ic(copy, "timeline", "--as", "sam")
        assert code == 0 and len(out.splitlines()) >= len(incident.timeline)
        code, _, err = await ic(copy, "show", "--live", copy.incident, "--as", "sam")
        assert code == 3 and "Temporal cannot be reached" in err
        copy.environment.update(connected)
        await copy.say("sam", "note the pool is exhausted")
        code, out, _ = await ic(copy, "show", "--live", "--as", "sam")
        assert code == 0 and "checkout is down" in out
        _, out, _ = await ic(copy, "timeline", "--live", "--as", "sam")
        assert "the pool is exhausted" in out


async def test_the_doctor_looks_at_the_database(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        found = await _database(copy.environment)
        assert found["state"] == "ok" and "records.db" in found["what"]
        away = {"TEMPORAL_ADDRESS": "temporal.example.com:7233"}
        found = await _database({**copy.environment, **away})
        assert found["state"] == "missing" and "DATABASE_URL" in found["mend"]
        broken = {"DATABASE_URL": "postgresql+psycopg://dp:hunter2@127.0.0.1:1/dp"}
        found = await _database({**copy.environment, **broken})
        assert found["state"] == "broken" and "hunter2" not in json.dumps(found)


async def _database(environment: dict[str, str]) -> dict[str, str]:
    _, out, err = await shell.ic(environment, "doctor", "--json")
    assert out, err
    return next(finding for finding in json.loads(out) if finding["name"] == "database")
