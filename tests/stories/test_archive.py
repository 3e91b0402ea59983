"""The records outlive the workflows: the program itself, with a server that knows nothing of what was."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.program import ic

CONFIG = example(ending={"watched_for": '"1s"'})


async def _two_incidents(copy: Copy) -> tuple[str, str]:
    """One as it should be, and a security incident; both are over."""
    await copy.say("anne", "declare 1 checkout is down service: shop-api")
    await copy.say("bob", "command")
    await copy.say("sam", "finding the pool is exhausted")
    await copy.say("bob", "resolve --insist recovered")
    await copy.say("bob", "postmortem @anne")
    await copy.ended()
    await copy.say("anne", "note we looked at the pool")  # heard by what comes after
    plain = copy.incident
    copy.incident = ""
    await copy.say("anne", "declare 1 --security stolen tokens")
    await copy.is_in_it("bob")
    await copy.say("bob", "command")
    await copy.say("bob", "resolve --insist recovered")
    await copy.ended()
    return plain, copy.incident


async def _kept(copy: Copy, incident: str) -> None:
    async def noted() -> bool:
        _, out, _ = await ic(copy, "export", incident, "--as", "anne")
        return "we looked at the pool" in out

    await copy.until(noted, "the record has the last note")


@pytest.mark.long
async def test_everything_can_be_read_when_the_workflows_are_gone(tmp_path: Path) -> None:
    async with running(tmp_path, CONFIG) as copy:
        plain, secret = await _two_incidents(copy)
        await _kept(copy, plain)
    async with running(tmp_path, CONFIG, worker="none") as copy:  # in a namespace in which nothing ever was
        await _shown(copy, plain)
        await _reported(copy, plain, tmp_path)
        await _counted(copy, tmp_path)
        await _silent(copy, secret)
        copy.environment["TEMPORAL_ADDRESS"] = "127.0.0.1:1"
        code, out, _ = await ic(copy, "list", "--all", "--as", "carla")
        assert code == 0 and plain in out and "Temporal cannot be reached" in out
        code, out, _ = await ic(copy, "show", plain, "--as", "carla")
        assert code == 0 and "checkout is down" in out


async def _shown(copy: Copy, plain: str) -> None:
    code, out, err = await ic(copy, "list", "--all", "--as", "carla")
    assert code == 0, err
    assert out.count(plain) == 1 and "PRACTICE checkout is down  resolved  IC: Bob Boberson" in out
    code, out, err = await ic(copy, "show", plain, "--as", "carla")
    assert code == 0 and "Postmortem: draft, owned by Anne Apison, meeting" in out, err
    code, out, err = await ic(copy, "timeline", plain, "--as", "carla")
    assert code == 0 and "we looked at the pool" in out and "resolved by Bob Boberson" in out, err
    code, _, err = await ic(copy, "show", "babad-babad", "--as", "carla")
    assert code == 1 and "no record of one" in err


async def _reported(copy: Copy, plain: str, place: Path) -> None:
    code, out, err = await ic(copy, "report", plain)
    assert code == 0 and out.startswith("# Postmortem: SEV-1 PRACTICE checkout is down"), err
    code, out, err = await ic(copy, "report", plain, "--html")
    assert code == 0 and out.startswith("<!DOCTYPE html>") and "<svg" in out, err
    code, out, err = await ic(copy, "report", plain, "--out", str(place / "postmortem"))
    names = ["meeting.ics", "postmortem.html", "postmortem.md", "timeline.png", "timeline.svg"]
    assert code == 0 and sorted(file.name for file in (place / "postmortem").iterdir()) == names, err
    code, out, err = await ic(copy, "export", plain)
    (place / "record.json").write_text(out)
    assert code == 0 and json.loads(out)["id"] == plain and "policy" not in json.loads(out), err
    code, out, err = await ic(copy, "report", "--record", str(place / "record.json"), "--out", str(place / "again.md"))
    assert code == 0, err
    told = (
        (place / "postmortem" / "postmortem.md").read_text().replace("![The incident's timeline](timeline.svg)\n\n", "")
    )
    assert (place / "again.md").read_text() == told
    code, _, err = await ic(copy, "report", plain, "--out", str(place / "x.pdf"))
    assert code == 2 and "ends in .md, .html, .svg, .png" in err


async def _counted(copy: Copy, place: Path) -> None:
    code, out, err = await ic(copy, "stats")
    assert code == 0 and "only practice has been recorded" in out, err
    assert "SEV-1     2" in out
    code, out, err = await ic(copy, "stats", "--json", "--practice")
    (row,) = json.loads(out)
    assert row["incidents"] == 2 and row["command"]["count"] == 2 and 0 <= row["command"]["median"] < 60, err
    code, _, err = await ic(copy, "stats", "--picture", str(place / "stats.png"))
    assert code == 0 and (place / "stats.png").read_bytes()[:4] == b"\x89PNG", err


async def _silent(copy: Copy, secret: str) -> None:
    """Who may not read it is not told of it; it is counted, and no more."""
    _, listed, _ = await ic(copy, "list", "--all", "--as", "carla")
    assert secret not in listed and "stolen" not in listed
    _, counted, _ = await ic(copy, "stats", "--json")
    assert not [word for word in ("stolen", "tokens", "Bob", "Anne") if word in counted], counted
    for words in (("show", secret), ("timeline", secret), ("report", secret), ("export", secret)):
        code, out, err = await ic(copy, *words, "--as", "carla")
        assert code == 1 and not out and "you are not in it" in err, words
        assert "stolen" not in err
    code, out, err = await ic(copy, "export", "--as", "carla")
    assert code == 0 and "stolen" not in out and "1 security incidents are left out" in err
    for who in ("bob", "sasha"):
        code, out, _ = await ic(copy, "show", secret, "--as", who)
        assert code == 0 and "stolen tokens" in out
