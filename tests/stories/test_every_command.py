"""Everything that `ic help` lists, driven once as a user would: the program, its exit code and its answer."""

from __future__ import annotations

import functools
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from incident import grammar
from incident.commands import VOCABULARY
from incident.grammar import Entered, Question
from tests.configured import example
from tests.stories.copy import Copy, running
from tests.stories.program import ic, started

# Who says what, in order, and a piece of the answer. Numbers: 1 is the first repair action, and so on.
IN_PERSON = '[[customers.individually]]\nname = "Big Corp"\n\n[status_page] #'
SCRIPT: tuple[tuple[str, str, str], ...] = (
    ("anne", "oncall", "primary IC: Bob Boberson, +1 555 0100"),
    ("anne", "responders", "Database, level 1: Sam Storeson"),
    ("anne", "who bob", "Bob Boberson (@bob), +1 555 0100; IC-trained, on call"),
    ("anne", "declare 1 checkout answers with 500 service: shop-api", "Declared: incident "),
    ("anne", "list", "checkout answers with 500"),
    ("anne", "status", "Status: shop ok, error-rate ok"),
    ("anne", "changes", "shop-api 2026.11-3 deployed to eu-west"),
    ("anne", "note the graphs look odd", "noted"),
    ("anne", "strike 1", "note 1 is struck through"),
    ("anne", "todo write a runbook", "follow-up 1 kept"),
    ("bob", "command", "This is Bob Boberson, I am the Incident Commander"),
    ("dee", "join as deputy", "SEV-1 PRACTICE checkout answers with 500"),
    ("anne", "join as api", "Wrong: checkout answers with 500."),
    ("sam", "join", "Wrong:"),
    ("sam", "proxy @anne", "Anne Apison speaks for you"),
    ("bob", "page sam", "paging Sam Storeson"),
    ("bob", "need security", "asked for Security"),
    ("bob", "deputy @lee", "Deputy: Lee Leaderson"),
    ("bob", "deputy add @kim for timers", "Deputy: Lee Leaderson and Kim Kommandson (timers)"),
    ("bob", "scribe @mac", "Scribe: Writer McWriterson"),
    ("bob", "customer-liaison @carla", "Customer liaison: Carla Clientson"),
    ("bob", "internal-liaison @ines", "Internal liaison: Ines Insideson"),
    ("anne", "finding the queue is full", "reported to the room"),
    ("anne", "can queue is full / draining it / somebody from web", "reported to the room"),
    ("carla", "customers 12", "told the IC"),
    ("bob", "symptom checkout answers with 500", "kept"),
    ("bob", "cause the deployment of 14:20", "kept"),
    ("bob", "impact nobody can pay", "kept"),
    ("bob", "workaround pay by invoice", "kept"),
    ("bob", "title checkout answers with 500 in one region", "Title: checkout answers with 500 in one region"),
    ("bob", "title checkout answers with 500", "Title: checkout answers with 500"),
    ("bob", "service orders-db", "Service: Orders database"),
    ("bob", "service shop-api", "Service: Shop API"),
    ("bob", "started 20m ago", "before it was declared"),
    ("bob", "roll-call", "for a CAN report until"),
    ("bob", "eta within half an hour", "kept"),
    ("bob", "sev 2 only one region", "now SEV-2"),
    ("anne", "propose rollback service=shop-api", "proposed as"),
    ("sam", "trouble bad deployment", "Roll back the last deployment (low risk)"),
    ("anne", "propose clear the cache risk: low", "proposed as"),
    ("anne", "propose restart by hand risk: low", "proposed as"),
    ("anne", "propose restart twice risk: low", "proposed as"),
    ("anne", "propose restart thrice risk: low", "proposed as"),
    ("anne", "propose rolling-restart", "proposed as"),
    ("bob", "poll {repair0}", "approves nothing"),
    ("sam", "object {repair0} it is peak hour", "the IC sees your objection"),
    ("bob", "approve {repair0}", "approved; the runner starts it"),
    ("bob", "reject {repair1} too risky", "is rejected"),
    ("anne", "withdraw {repair2}", "is withdrawn"),
    ("bob", "approve {repair3} @sam", "approved; Sam Storeson starts it"),
    ("sam", "failed {repair3} no permission", "failed"),
    ("bob", "unverified {repair3}", "did not work"),
    ("bob", "approve {repair4} @sam", "approved"),
    ("U0GIL", "stop {repair4} that is production", "told Bob Boberson and the owner at once"),
    ("bob", "abort {repair4}", "is aborted"),
    ("bob", "verified {repair0}", "worked"),
    ("bob", "undo {repair0}", "nothing is undone before you approve it"),
    ("anne", "did block the address at the edge", "recorded"),
    ("bob", "task @sam 5m look at the slow queries", "task"),
    ("sam", "ack", "left"),
    ("sam", "standby", "no reminder of task"),
    ("sam", "more 5m", "until"),
    ("sam", "done found it", "is done"),
    ("bob", "ask @anne what changed today", "task"),
    ("bob", "brief", "Any additional actions or proposals?"),
    ("carla", "draft investigating We are looking into it.", "waits for the IC"),
    ("bob", "message edit {draft} We are looking into a problem.", "waits for the IC"),
    ("bob", "message hold {draft}", "is held"),
    ("bob", "announce yes", "announced"),
    ("bob", "poll {draft}", "approves nothing"),
    ("sam", "object {draft} we know the cause by now", "the IC sees your objection"),
    ("carla", "component checkout major_outage", "shows checkout as major_outage"),
    ("bob", "message approve {draft}", "goes out exactly as it stands"),
    ("bob", "rhythm 15m", "every 15 min"),
    ("bob", "message retract {draft}", "is taken down"),
    ("ines", "update recovery is under way", "in your words"),
    ("ines", "summary send", "goes out now"),
    ("ines", "stakeholders PTEAMS2", "will get PagerDuty's status updates"),
    ("bob", "task @sam 5m look at the replicas", "task"),
    ("mac", "for @sam done they lag", "is done"),
    ("bob", "voice @mac", "enters your decisions"),
    ("mac", "eta in a quarter of an hour", "kept"),
    ("bob", "voice nobody", "nobody enters your decisions"),
    ("bob", "status unstalk", "no longer stalking"),
    ("bob", "status stalk", "Now stalking status every 30 seconds"),
    ("bob", "reload", "nothing differs"),
    ("anne", "further the queue does not move either", "Bob Boberson commands"),
    ("sam", "further the office has no coffee", "is open"),
    ("bob", "same {trigger0}", "kept as a symptom"),
    ("lee", "separate {trigger1}", "incident "),
    ("bob", "team alpha @anne 20m find the latency", "Sub-team Alpha: Anne Apison"),
    ("anne", "team add @sam", "Sam Storeson in Sub-team Alpha"),
    ("sam", "finding it is the cache", "reported"),
    ("anne", "team more 10m", "Sub-team Alpha: until"),
    ("anne", "team release @sam", "Sam Storeson is free"),
    ("anne", "team close alpha it was the cache", "Sub-team Alpha is closed"),
    ("bob", "remove @sasha --yes not needed here, thanks", "is out of the response"),
    ("bob", "keep @anne @sam", "people released"),
    ("bob", "challenge @vic", "asked Vic Presidentson"),
    ("vic", "decline", "cause no further interruptions"),
    ("bob", "warn @vic", "told Vic Presidentson"),
    ("bob", "handover @kim", "offered to Kim Kommandson"),
    ("kim", "accept", "command passes to Kim Kommandson"),
    ("sam", "leave", "checked out"),
    ("anne", "show", "SEV-2 PRACTICE checkout answers with 500"),
    ("anne", "timeline", "Kim Kommandson commands"),
    ("anne", "summary", "SEV-2 PRACTICE checkout answers with 500"),
    ("kim", "secure", "a security incident from here on, codename"),
    ("kim", "checklist 1 blocked the address", "Stop the attack: done"),
    ("kim", "checklist", "Stop the attack: blocked the address (Kim Kommandson"),
    ("kim", "lift", "the silence is over"),
    ("kim", "not-security", "is no secret any more"),
    ("kim", "customers told Big Corp by phone", "recorded: Big Corp was told"),
    ("kim", "announce yes", "announced"),
    ("kim", "resolve --insist", "resolved after"),
    ("kim", "recovered lost two orders", "the last public message is drafted"),
    ("kim", "customers drop nobody noticed", "nothing more goes out to customers"),
    ("kim", "postmortem @anne", "Anne Apison"),
    ("anne", "postmortem link https://wiki.example.com/42", "is at https://wiki.example.com/42"),
    ("anne", "postmortem meeting 2099-03-05 14:00", "is discussed on 2099-03-05 14:00 UTC"),
    ("anne", "postmortem overview Two orders were lost.", "Saved"),
    ("anne", "postmortem what A deployment filled the pool.", "Saved"),
    ("anne", "postmortem factor The pool has no alert.", "Saved"),
    ("anne", "postmortem resolution We rolled back.", "Saved"),
    ("anne", "postmortem impact 312 orders failed.", "Saved"),
    ("sam", "postmortem well The rollback was quick.", "Saved"),
    ("sam", "postmortem badly Nobody knew the runbook.", "Saved"),
    ("sam", "postmortem lesson Alert on pools.", "Saved"),
    ("anne", "postmortem external Some orders failed.", "Saved"),
    ("anne", "postmortem emails", "Subject: What we learned"),
    ("sam", "retro the roles helped", "Thank you"),
    ("anne", "postmortem review", "is in review"),
    ("anne", "postmortem reviewed", "is reviewed"),
    ("anne", "followup 1 done", "follow-up 1 is done"),
    ("anne", "postmortem close", "is closed"),
    ("kim", "reopen it came back", "open again"),
    ("kim", "cancel --yes it was the test system", "ended as a false alarm"),
)


def config() -> str:
    """The example organisation's file, with a customer who is told in person."""
    return example().replace("[status_page] #", IN_PERSON, 1)


async def play(copy: Copy, say: Callable[[str, str], Awaitable[str]]) -> set[str]:
    """The whole script. Gives what was said."""
    driven: set[str] = set()
    for who, words, answer in SCRIPT:
        said = await _numbered(copy, words)
        if words == "list":  # the server lists what began a moment later
            await copy.until(functools.partial(_is_listed, say, who, answer), "it is listed")
        heard = await say(who, said)
        assert answer in heard, f"{who}: {said}: {heard}"
        driven.add(said)
        if words.startswith("message approve"):
            await copy.heard_in_room("is out on the status page")
        if words.startswith("message retract"):
            await copy.heard_in_room("Nothing public stands any more.")
        if words.startswith("approve {repair0}"):
            await copy.heard_in_room("did it work?")
    return driven


async def _is_listed(say: Callable[[str, str], Awaitable[str]], who: str, answer: str) -> bool:
    return answer in await say(who, "list")


@pytest.mark.long
async def test_every_command_of_the_help(tmp_path: Path) -> None:
    async with running(tmp_path, config()) as copy:

        async def say(who: str, words: str) -> str:
            named = ["--incident", copy.incident] if copy.incident and words != "help" else []
            speaker = [] if words == "help" else ["--as", who]
            code, out, err = await ic(copy, *words.split(), *speaker, *named)
            assert code == 0, f"{who}: {words}: exit {code}: {err}"
            if words.startswith("declare"):
                copy.incident = out.split("incident ")[1].split(",")[0].rstrip(".")
            return out

        driven = {*await play(copy, say), "help"}
        assert "ic approve N [@OWNER]" in await say("anne", "help")
        meant = [grammar.read(words, copy.organisation.policy()) for words in driven]
        assert {type(m) for m in meant} >= set(VOCABULARY) | {Entered}
        assert {m.about for m in meant if isinstance(m, Question)} == set(grammar.QUESTIONS)


async def test_answers_for_programs_and_exit_codes(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        code, out, _ = await started(
            copy, "declare", "1", "checkout", "is", "down", "--json", "--as", "anne", "--id", "k1"
        )
        declared = json.loads(out)
        assert code == 0 and declared["room"] == f"inc-{declared['incident']}"
        again = await started(copy, "declare", "1", "checkout", "is", "down", "--json", "--as", "anne", "--id", "k1")
        assert json.loads(again[1]) == declared
        for question in ("list", "show", "timeline", "oncall", "responders", "summary", "help"):
            code, out, err = await started(copy, question, "--json")
            assert code == 0 and json.loads(out), (question, err)
        code, _, err = await started(copy, "aprove", "3")
        assert code == 2 and "Did you mean `ic approve N" in err
        code, _, err = await started(copy, "task", "@sam", "--as", "bob")
        assert code == 2 and "task @USER 5m WHAT" in err
        code, _, err = await started(copy, "approve", "3", "--as", "bob")
        assert code == 1 and "name its incident" in err
        code, out, _ = await started(copy, "declare", "2", "search", "is", "slow", "--as", "sam")
        assert code == 0 and "paged Bob Boberson\n" in out
        assert f"Open as well: {declared['incident']} (SEV-1 checkout is down)." in out
        copy.environment["TEMPORAL_ADDRESS"] = "127.0.0.1:1"
        code, out, _ = await started(copy, "show", "--incident", declared["incident"])
        assert code == 0 and "checkout is down" in out  # from its snapshot, without Temporal
        code, _, err = await started(copy, "note", "hello", "--incident", declared["incident"], "--as", "bob")
        assert code == 3 and "Is `ic up` running?" in err


async def _numbered(copy: Copy, words: str) -> str:
    if "{" not in words:
        return words
    incident = await copy.look()
    names = {f"repair{n}": str(number) for n, number in enumerate(incident.repairs)}
    names |= {f"trigger{n}": str(number) for n, number in enumerate(incident.triggers)}
    drafts = [str(d.number) for d in incident.drafts.values() if d.made_by in ("carla", "bob")]
    return words.format(**names, draft=drafts[-1] if drafts else "")
