"""Whole incidents by every entry point, while at random moments whatever runs is killed or stopped and services fail.

`make soak` plays as many as it is told to; SEED=… plays those again. What was found is in docs/fault-campaign.md.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus

from entrypoints.problems import NoSuchIncident, Unanswered, Unreachable
from incident.model import Incident, Phase, RepairState
from tests import randomly
from tests.configured import example
from tests.conftest import CONFIG
from tests.stories import judging
from tests.stories.copy import Copy
from tests.stories.faults import at_random
from tests.stories.hands import SLACK
from tests.stories.machine import Machine, machine
from tests.stories.program import ic

STORIES = 1
FAULT_EVERY = 2.5
HEARD_WITHIN = 25.0
"""Then a person says it again, perhaps elsewhere."""
DONE_WITHIN = 240.0
ENDED_WITHIN = 180.0
SEV1 = "PPRIO01"
Condition = Callable[[Incident], object]


def config() -> str:
    """The example, quicker: executives hear every few seconds."""
    cadence = {"first_after": '"5s"', "every": '"10s"', "shown_before": '"2s"', "replaces_within": '"1s"'}
    return example(
        CONFIG / "catalogue",
        executives=cadence,
        ending={"watched_for": '"2s"'},
        repair={"poll_window": '"1s"'},
        stalk={"every": '"2s"'},
    )


class Story:
    """One incident. `accepted` are the notes that an entry point took; `doubtful` those of which it did not say so."""

    def __init__(self, here: Machine, seed: int) -> None:
        self.here = here
        self.copy: Copy = here.copy
        self.random = random.Random(seed)
        self.accepted: list[str] = []
        self.doubtful: list[str] = []
        self.doors: Counter[str] = Counter()
        self.answers: list[str] = []
        self._ids = 0

    # -- the entry points -----------------------------------------------------------------------------

    async def by_shell(self, who: str, words: str) -> bool:
        """Again under the same id until it is answered, as the answer advises. False when it is refused."""
        self._ids += 1
        id = f"story-{self._ids}"
        named = ["--incident", self.copy.incident] if self.copy.incident else []
        ends = time.monotonic() + DONE_WITHIN
        while True:
            code, out, err = await ic(self.copy, *words.split(), "--as", who, "--id", id, *named)
            assert "Traceback" not in err, err
            if code in (0, 1):
                self.answers.append(f"{who}: {words}: {out or err}")
                return code == 0
            assert time.monotonic() < ends, (words, out, err)
            await asyncio.sleep(0.5)

    async def by_message(self, who: str, words: str, place: str = "") -> bool:
        """Typed; Slack delivers it until it is acknowledged."""
        body = {"user": self._slack(who), "channel": place or await self._room(), "text": words}
        await self.copy.control("POST", "slack/message", body)
        return True

    async def by_slash(self, who: str, words: str, place: str = "") -> bool:
        """Slack says whether it was acknowledged."""
        body = {"user": self._slack(who), "channel": place or await self._room(), "text": words}
        return bool((await self.copy.control("POST", "slack/command", body))["acknowledged"])

    async def say(self, who: str, words: str) -> bool:
        door = self.random.choice(("shell", "message", "slash"))
        self.doors[door] += 1
        if door == "shell":
            return await self.by_shell(who, words)
        return await (self.by_slash(who, words) if door == "slash" else self.by_message(who, f"!ic {words}"))

    def _slack(self, who: str) -> str:
        contact = self.copy.organisation.contact(who)
        return SLACK.get(who) or (contact.slack if contact else who)

    async def _room(self) -> str:
        async def opened() -> str:
            return str((await self.copy.room()).get("id", ""))

        return str(await self.copy.until(opened, "the channel is open", DONE_WITHIN))

    # -- what is done by them -------------------------------------------------------------------------

    async def until(self, condition: Condition, what: str, within: float = DONE_WITHIN) -> Incident:
        """As its snapshot has it, which needs no worker."""

        async def so() -> Incident | None:
            with suppress(NoSuchIncident, Unreachable, Unanswered):
                found = await self.copy.gateway.look(self.copy.incident)
                return found if condition(found) else None
            return None

        found: Incident = await self.copy.until(so, what, within)
        return found

    async def does(self, who: str, words: str, condition: Condition) -> Incident:
        """Say it until it is so. What was heard late and said again by then changes nothing."""
        ends = time.monotonic() + DONE_WITHIN
        while True:
            await self.say(who, words)
            with suppress(AssertionError):
                return await self.until(condition, f"{who}: {words}", HEARD_WITHIN)
            assert time.monotonic() < ends, "\n".join((f"never: {who}: {words}", *self.answers[-5:]))

    async def notes(self, who: str) -> None:
        text = f"word {len(self.accepted) + len(self.doubtful)} of {who}"
        heard = await self.say(who, f"note {text}")
        (self.accepted if heard else self.doubtful).append(text)

    async def declare(self) -> None:
        door = self.random.choice(("shell", "message", "slash", "webhook"))
        self.doors[f"declared by {door}"] += 1
        words = "declare 1 checkout answers with 500 service: shop-api"
        match door:
            case "shell":
                await self.by_shell("anne", words)
            case "message":
                await self.by_message("anne", f"!ic {words}", "C0INCIDENTS")
            case "slash":
                while not await self.by_slash("anne", words, "C0INCIDENTS"):
                    if await self._declared():
                        break
            case "webhook":
                trigger = {"title": "checkout answers with 500", "priority": SEV1}
                await self.copy.control("POST", "pagerduty/trigger", trigger)
        self.copy.incident = await self.copy.until(self._declared, f"declared by {door}", DONE_WITHIN)

    async def _declared(self) -> str:
        rooms = await self.copy.control("GET", "slack/rooms")
        return next((room["name"].removeprefix("inc-") for room in rooms if room["name"].startswith("inc-")), "")

    # -- the story ------------------------------------------------------------------------------------

    async def play(self) -> None:
        await self.declare()
        await self.does("bob", "command", lambda i: i.commander == "bob")
        chapters: list[Callable[[], Awaitable[None]]] = [
            self.roles,
            self.announce,
            self.repair,
            self.task,
            self.summary,
        ]
        self.random.shuffle(chapters)
        for chapter in chapters:
            await chapter()
            for _ in range(self.random.randint(0, 2)):
                await self.notes(self.random.choice(("anne", "sam", "bob")))
        await self.does("bob", "resolve --insist recovered", lambda i: i.phase is not Phase.OPEN)

    async def roles(self) -> None:
        for who, words in (
            ("mac", "scribe @mac"),
            ("carla", "customer-liaison @carla"),
            ("ines", "internal-liaison @ines"),
        ):
            if self.random.random() < 0.5:
                await self.does("bob", words, partial(_serves, who))

    async def announce(self) -> None:
        first = await self.until(lambda i: i.drafts, "the first message is drafted")
        number = max(first.drafts)
        await self.does("bob", f"announce yes {number}", lambda i: i.announcement == "yes")

    async def repair(self) -> None:
        proposed = await self.does("anne", "propose rollback service=shop-api", lambda i: i.repairs)
        number = min(proposed.repairs)
        settled = (RepairState.SUCCEEDED, RepairState.FAILED, RepairState.UNKNOWN, RepairState.VOID)
        await self.does("bob", f"approve {number}", lambda i: i.repairs[number].approvals)
        ran = await self.until(lambda i: i.repairs[number].state in settled, "the repair ends")
        if ran.repairs[number].state is not RepairState.VOID:
            await self.does("bob", f"verified {number}", lambda i: i.repairs[number].state is RepairState.VERIFIED)

    async def task(self) -> None:
        await self.does("bob", "task @sam 10m look at the queries", lambda i: i.tasks)

    async def summary(self) -> None:
        sent = len((await self.copy.room("executive-summary"))["messages"])
        await self.say("bob", "summary send")

        async def more() -> bool:
            return len((await self.copy.room("executive-summary"))["messages"]) > sent

        await self.copy.until(more, "another summary", DONE_WITHIN)

    async def ends(self) -> None:
        """All services answer and all programs run: what is owed to customers goes out, and everything ends."""
        ends = time.monotonic() + ENDED_WITHIN
        while running := await self._running():
            assert time.monotonic() < ends, f"never ended: {', '.join(running)}"
            incident = await self.until(lambda i: True, "it can be read")
            for draft in incident.drafts.values():
                if draft.state == "waiting":
                    await self.by_shell("bob", f"message approve {draft.number}")
            await asyncio.sleep(1)

    async def _running(self) -> list[str]:
        runs = await judging.executions(self.copy)
        return [run.id for run in runs if run.status is WorkflowExecutionStatus.RUNNING and "/after" not in run.id]

    # -- the judgement --------------------------------------------------------------------------------

    async def wrong(self) -> list[str]:
        wrong = await judging.wrong_outside(self.copy)
        wrong += await judging.wrong_inside(self.copy)
        declared = judging.incident_workflows(await judging.executions(self.copy))
        if declared != {self.copy.incident}:
            wrong.append(f"declared once, and there are {declared}")
        whole = await judging.shown(self.copy)
        wrong += self._words(whole)
        wrong += self._repairs(whole)
        return wrong

    def _words(self, whole: dict[str, Any]) -> list[str]:
        kept = Counter(note["text"] for note in whole["notes"])
        lost = [f"lost: {text}" for text in self.accepted if kept[text] != 1]
        return lost + [f"kept {kept[text]} times: {text}" for text in self.doubtful if kept[text] > 1]

    def _repairs(self, whole: dict[str, Any]) -> list[str]:
        """One approval each here, so at most one run of each."""
        went = sum(one["started_at"] is not None for one in whole["repairs"].values())
        ran = [one for one in self.here.shop.did() if one["what"] == "rollback"]
        good = sum(one["outcome"].startswith("exit code 0") for one in whole["repairs"].values())
        return [] if good <= len(ran) <= went else [f"{went} repairs begun, {good} succeeded, {len(ran)} done: {ran}"]


def _serves(who: str, incident: Incident) -> bool:
    return who in incident.roles.values()


@pytest.mark.soak
@pytest.mark.xdist_group("campaign")  # one at a time: a machine that is too busy is no fault of the product's
@pytest.mark.parametrize("number", range(randomly.examples(STORIES)))
async def test_an_incident_among_faults(tmp_path: Path, number: int) -> None:
    seed = randomly.SEED * 1000 + number
    async with machine(tmp_path, config()) as here:
        story = Story(here, seed)
        begun = time.monotonic()
        async with at_random(here, seed, every=FAULT_EVERY) as faults:
            try:
                await story.play()
            except AssertionError as never:
                print(
                    json.dumps({"seed": seed, "faults": dict(faults.counted), "never": str(never)[:2000]}), flush=True
                )
                raise
        await story.ends()
        wrong = await story.wrong()
        counted = {"seed": seed, "seconds": round(time.monotonic() - begun), "faults": dict(faults.counted)}
        print(json.dumps({**counted, "doors": dict(story.doors), "wrong": wrong}))
        assert not wrong, "\n".join([f"seed {seed}", *wrong])
