"""Each command through message, slash command and, where it has one, button or form: the same result and refusal."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

import workflows.incident
from incident import grammar, identity
from incident.commands import VOCABULARY
from incident.model import Incident
from incident.severity import Role
from tests.configured import example, organisation
from tests.stories.copy import Copy, running
from tests.stories.hands import Hands, hands

pytestmark = pytest.mark.story

Say = Callable[[Hands, str, str], Awaitable[None]]

FORMS: dict[str, dict[str, str]] = {
    # verb of the form -> its fields, as the words of the story would fill them
    "join as database expert": {"text": "database expert"},
    "finding the queue is full": {"text": "the queue is full"},
    "propose rollback service=shop-api": {"entry": "rollback", "service": "shop-api"},
    "propose clear the cache risk: low": {"entry": "in-own-words", "text": "clear the cache", "risk": "low"},
    "propose restart by hand risk: low": {"entry": "in-own-words", "text": "restart by hand", "risk": "low"},
    "object {r0} it is peak hour": {"text": "it is peak hour"},
    "reject {r1} too risky": {"text": "too risky"},
    "stop {r2} that is production": {"text": "that is production"},
    "failed {r2} no permission": {"text": "no permission"},
    "task @sam 5m look at the slow queries": {"person": "U0SAM", "minutes": "5", "text": "look at the slow queries"},
    "trouble bad deployment": {"name": "bad deployment"},
    "done {t0} found it": {"text": "found it"},
    "draft investigating We are looking into it.": {
        "stage": "investigating",
        "text": "We are looking into it.",
        "x": "We are looking into it.",
    },
    "message edit {d0} We look into a problem.": {"text": "We look into a problem."},
    "team close alpha it was the cache": {"text": "it was the cache"},
    "update recovery is under way": {"text": "recovery is under way"},
    "handover @kim": {"to": "U0KIM"},
    "resolve --insist recovered": {"state": "recovered", "insist": "yes"},
}
PRESSED = {
    "command",
    "poll {r0}",
    "approve {r0}",
    "undo {r0}",
    "verified {r0}",
    "approve {r2}",
    "ack {r2}",
    "unverified {r2}",
    "abort {r3}",
    "ack {t0}",
    "more 5m {t0}",
    "message hold {d0}",
    "announce yes {d0}",
    "page security",
    "same {x0}",
    "accept",
    "reopen",
    "brief",
    "team more 10m alpha",
}
STORY: tuple[tuple[str, str, str], ...] = (
    # who, what, and a word of the answer that a refusal would not have; "!" begins a refusal's word
    ("sam", "approve 1", "!nobody commands yet"),
    ("bob", "command", ""),
    ("sam", "command", "!Bob Boberson commands"),
    ("sam", "join as database expert", ""),
    ("dee", "join", ""),
    ("anne", "note the graphs look odd", ""),
    ("anne", "todo write a runbook", ""),
    ("anne", "finding the queue is full", ""),
    ("anne", "can queue is full / draining it / somebody from web", ""),
    ("anne", "proxy @sam", ""),
    ("anne", "customers 12", ""),
    ("anne", "need database", ""),
    ("bob", "need security", ""),
    ("bob", "symptom checkout answers with 500", ""),
    ("bob", "cause the deployment of 14:20", ""),
    ("bob", "impact nobody can pay", ""),
    ("bob", "eta within half an hour", ""),
    ("bob", "workaround pay by invoice", ""),
    ("bob", "title checkout answers with 500 or not at all", ""),
    ("anne", "title it is all fine", "!Only the IC decides that"),
    ("bob", "service shop-api", ""),
    ("bob", "started 00:00 UTC", ""),
    ("bob", "started tomorrow", "!is no time"),
    ("bob", "roll-call", ""),
    ("anne", "impact everything", "!Only the IC decides that"),
    ("bob", "sev 1 worse than thought", ""),
    ("anne", "sev 3", ""),
    ("bob", "scribe @mac", ""),
    ("bob", "customer-liaison @carla", ""),
    ("bob", "internal-liaison @ines", ""),
    ("bob", "deputy @lee", ""),
    ("bob", "deputy @anne", "!must be IC-trained"),
    ("bob", "deputy add @kim for timers", ""),
    ("anne", "propose rollback service=shop-api", ""),
    ("anne", "propose clear the cache risk: low", ""),
    ("sam", "propose restart by hand risk: low", ""),
    ("sam", "propose restart twice risk: low", ""),
    ("sam", "trouble bad deployment", ""),
    ("bob", "poll {r0}", ""),
    ("sam", "object {r0} it is peak hour", ""),
    ("sam", "approve {r0}", "!Only the IC decides that"),
    ("bob", "approve {r0}", ""),
    ("bob", "approve {r0}", "!approved repair"),
    ("bob", "reject {r1} too risky", ""),
    ("anne", "withdraw {r1}", "!rejected"),
    ("anne", "undo {r0}", "!Only the IC decides that"),
    ("bob", "undo {r0}", ""),
    ("bob", "verified {r0}", ""),
    ("bob", "approve {r2}", ""),
    ("sam", "ack {r2}", ""),
    ("gil", "stop {r2} that is production", ""),
    ("sam", "failed {r2} no permission", ""),
    ("bob", "unverified {r2}", ""),
    ("bob", "approve {r3}", ""),
    ("bob", "abort {r3}", ""),
    ("anne", "did block the address at the edge", ""),
    ("bob", "task @sam 5m look at the slow queries", ""),
    ("sam", "ack {t0}", ""),
    ("sam", "standby {t0}", ""),
    ("sam", "more 5m {t0}", ""),
    ("sam", "done {t0} found it", ""),
    ("anne", "done {t0}", "!You have no open task"),
    ("bob", "ask @anne what changed today", ""),
    ("carla", "draft investigating We are looking into it.", ""),
    ("bob", "message edit {d0} We look into a problem.", ""),
    ("bob", "message hold {d0}", ""),
    ("bob", "announce yes {d0}", ""),
    ("bob", "message approve {d0}", "!approved public message"),
    ("carla", "component checkout major_outage", ""),
    ("bob", "rhythm 60m", "!it is every 20 min at least"),
    ("bob", "rhythm 15m", ""),
    ("carla", "message retract {d0}", "!Only the IC decides that"),
    ("bob", "message retract {d0}", ""),
    ("kim", "recovered", "!Only the IC decides that"),
    ("ines", "update recovery is under way", ""),
    ("ines", "summary send", ""),
    ("anne", "further the search is slow, too", ""),
    ("bob", "same {x0}", ""),
    ("anne", "separate {x0}", "!decided that already"),
    ("ines", "stakeholders PTEAMS2", ""),
    ("anne", "voice @anne", "!Only the IC decides that"),
    ("bob", "voice @mac", ""),
    ("mac", "eta in a quarter of an hour", ""),
    ("mac", "for @sam finding the replicas lag", ""),
    ("anne", "for @sam finding nothing", "!enter what others said"),
    ("bob", "status unstalk", ""),
    ("bob", "status stalk", ""),
    ("bob", "reload", ""),
    ("bob", "team alpha @anne 20m find the latency", ""),
    ("sam", "team add alpha @sam", "!Anne Apison leads Sub-team Alpha"),
    ("anne", "team add @sam", ""),
    ("anne", "team more 10m alpha", ""),
    ("anne", "team release @sam", ""),
    ("anne", "team close alpha it was the cache", ""),
    ("bob", "remove @sasha --yes not now", ""),
    ("bob", "keep @anne @sam", ""),
    ("bob", "challenge @vic", ""),
    ("vic", "decline", ""),
    ("bob", "warn @vic", ""),
    ("bob", "handover @kim", ""),
    ("dee", "accept", "!Nobody offers you command"),
    ("kim", "accept", ""),
    ("kim", "brief", ""),
    ("sam", "leave", ""),
    ("anne", "lift", "!Only the IC decides that"),
    ("kim", "secure", ""),
    ("kim", "checklist 1 blocked the address", ""),
    ("kim", "lift", ""),
    ("kim", "not-security", ""),
    ("kim", "resolve --insist recovered", ""),
    ("kim", "customers drop nobody noticed", "!Nothing is owed"),
    ("kim", "customers told Big Corp", "!Nobody of that name"),
    ("anne", "strike 7", "!There is no note 7"),
    ("kim", "postmortem @anne", ""),
    *(
        (who, f"postmortem {section} {text}", "")
        for who, section, text in (
            ("anne", "overview", "Two orders were lost."),
            ("anne", "what", "A deployment filled the pool."),
            ("anne", "factor", "The pool has no alert."),
            ("anne", "resolution", "We rolled back."),
            ("anne", "impact", "312 orders failed."),
            ("sam", "well", "The rollback was quick."),
            ("sam", "badly", "Nobody knew the runbook."),
            ("sam", "lesson", "Alert on pools."),
            ("anne", "external", "Some orders failed."),
        )
    ),
    ("anne", "postmortem emails", ""),
    ("sam", "retro the roles helped", ""),
    ("sam", "postmortem review", "!That is for the postmortem's owner"),
    ("anne", "postmortem link https://wiki.example.com/42", ""),
    ("anne", "postmortem meeting 2099-03-05 14:00", ""),
    ("anne", "postmortem review", ""),
    ("kim", "postmortem reviewed", ""),
    ("anne", "followup 1 done", ""),
    ("anne", "postmortem close --insist", ""),
    ("kim", "reopen", ""),
    ("kim", "page", ""),
    ("kim", "page security", ""),
    ("kim", "cancel --yes it was the test system", ""),
)


async def by_message(use: Hands, who: str, words: str) -> None:
    await use.types(who, f"!ic {words}")


async def by_slash(use: Hands, who: str, words: str) -> None:
    await use.slashes(who, words)


async def numbered(copy: Copy, words: str) -> str:
    if "{" not in words:
        return words
    incident = await copy.look()
    drafts = [d.number for d in incident.drafts.values() if d.made_by in ("carla", "bob")]
    rows: dict[str, list[int]] = {
        "r": list(incident.repairs),
        "t": list(incident.tasks),
        "d": drafts[-1:],
        "x": list(incident.triggers),
    }
    return words.format(**{f"{letter}{n}": number for letter, row in rows.items() for n, number in enumerate(row)})


async def play(copy: Copy, use: Hands, say: Say, *, pressing: bool) -> list[tuple[str, str]]:
    """The story by one way; what it made of the incident."""
    copy.incident = await copy.gateway.declare(
        "checkout answers with 500", by="anne", by_name="Anne Apison", policy=copy.organisation.policy(), practice=True
    )
    await copy.heard_in_room("Status: shop ok")
    refusals = []
    for who, template, expected in STORY:
        words = await numbered(copy, template)
        before = await taken(copy)
        if expected.startswith("!"):
            await say(use, who, words)
            await use.hears(who, expected[1:])
            refusals.append(f"{who}: {words}: {expected}")
            assert await taken(copy) == before, words
            continue
        if pressing and template in PRESSED:
            await use.presses(who, words)
        elif pressing and template in FORMS:
            await open_form(use, who, words)
            if entry := FORMS[template].get("entry"):
                await use.changes(who, "entry", entry=entry)
            assert not await use.fills(who, **FORMS[template]), words
        else:
            await say(use, who, words)

        async def heard(before: int = before) -> bool:
            return await taken(copy) > before

        await copy.until(heard, f"{who}: {words}: {await use.told(who)}")
        if template == "approve {r0}":
            await copy.heard_in_room("did it work?")
        if template == "announce yes {d0}":
            await copy.heard_in_room("is out on the status page")
            await copy.heard_in_room("is out on X")
        if template == "message retract {d0}":
            await copy.heard_in_room("Nothing public stands any more.")
    incident = await copy.look()
    made = [
        (e.kind, re.sub(r"\d+ (?:s|min) in|archives/\w+", "…", e.text))
        for e in incident.timeline
        if e.who and e.who not in set(Role) and e.kind not in ("page", "acknowledged")
    ]
    return [*made, *(("refused", text) for text in refusals)]


async def taken(copy: Copy) -> int:
    """How many commands the incident has taken; its snapshot does not say."""
    handle = copy.client.get_workflow_handle(identity.workflow_id(copy.incident))
    return len((await handle.query("incident", result_type=Incident)).heard)


async def open_form(use: Hands, who: str, words: str) -> None:
    """By its button where there is one, else by `/ic` alone."""
    verb = words.split()[0]
    head = f"{verb} {words.split()[1]}" if verb in ("object", "reject", "stop", "failed", "done") else verb
    head = " ".join(words.split()[:3]) if words.startswith(("message edit", "team close")) else head
    if verb in ("update", "draft", "handover", "propose", "task", "trouble"):
        assert await use.slashes(who, verb) == ""
    else:
        await use.presses(who, head, form=True)


def test_the_story_has_every_command() -> None:
    rules = organisation().policy()
    numbers = {f"{letter}{n}": 1 for letter in "rtdx" for n in range(4)}
    meant = {type(grammar.read(words.format(f=1, **numbers), rules)) for _, words, _ in STORY}
    # `withdraw`, `message approve`, `separate` are heard as refusals only; test_every_command hears them succeed.
    assert meant >= set(VOCABULARY)


@pytest.mark.long
async def test_three_ways_one_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflows.incident, "EDITED_EVERY", timedelta(milliseconds=100))
    told = {}
    async with running(tmp_path, example(deputy={"room_update_every": '"10s"'})) as copy, hands(copy) as use:
        for way, say, pressing in (
            ("message", by_message, False),
            ("slash", by_slash, False),
            ("press", by_message, True),
        ):
            told[way] = await play(copy, use, say, pressing=pressing)
    assert told["message"] == told["slash"]
    assert told["message"] == told["press"]
