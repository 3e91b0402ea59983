"""Who may write to Temporal's namespace, and has nobody's key, repairs nothing, publishes nothing and takes no command.

What counts is what reached the world, and how often the service under test was repaired.
"""

from __future__ import annotations

import copy as copying
import dataclasses
import functools
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.worker import Replayer

from activities.command_answers import CommandAnswers
from activities.on_call_book import now
from activities.outlet import Publication
from activities.repair import StepOrder
from connection import data_converter
from entrypoints.gateway import Gateway
from entrypoints.problems import Refused
from entrypoints.snapshots import SnapshotReader
from entrypoints.standby import Standby
from incident import answers, grammar, identity, proof, repairs
from incident.answers import Outcome, Reply
from incident.commands import VOCABULARY, Command, Said
from incident.commands.paging import PagePeople
from incident.declaring import draw_up
from incident.duties import customer_liaison
from incident.model import Announcement, Draft, DraftState, Incident, Origin, RepairState
from incident.repairs import Claim
from incident.severity import Role
from tests.signing import LISTENER, SAFE, STRANGER, Key, said
from tests.stories.hands import hands
from tests.stories.real import Scene, scene
from worker import workflow_runner
from workflows import queues
from workflows.children import _repair_brief
from workflows.incident import IncidentWorkflow
from workflows.incident_input import Carried, IncidentInput
from workflows.repair_action import RepairStart
from workflows.role import Brief, RoleStart

TEXT = "We are looking into it."


def envelope(scene: Scene, by: str, words: str, **more: Any) -> Said[Any]:
    command = grammar.read(words, scene.copy.organisation.policy())
    assert isinstance(command, Command)
    return said(command, by, now(), **more)


async def whole(scene: Scene, by: str, words: str, **more: Any) -> Said[Any]:
    """With the digest of what stands there, as a door adds it."""
    meant = envelope(scene, by, words, **more)
    return dataclasses.replace(meant, command=meant.command.bound(await scene.copy.look()))


async def refused(scene: Scene, meant: Said[Any], why: str) -> None:
    with pytest.raises(Refused) as failure:
        await scene.copy.gateway.pass_on(scene.id, meant)
    assert why in str(failure.value), meant.command.verb


async def test_signed_words_repair_and_publish(tmp_path: Path) -> None:
    """That the others are refused means something only because this is not."""
    async with scene(tmp_path) as s:
        await s.say("bob", "approve 1", LISTENER, door="slack")
        await s.copy.heard_in_room("did it work?")
        assert s.runs == 1
        await s.say("bob", f"announce yes {s.draft}")

        async def out() -> list[str]:
            return await s.published()

        (text,) = await s.copy.until(out, "it is published")
        assert text == (await s.copy.look()).drafts[s.draft].text
        await s.copy.heard_in_room("Public message")
        assert not [entry for entry in (await s.copy.look()).timeline if "unsigned" in entry.text]
        # Verifying gives the same answers when the history is read again.
        history = await s.copy.client.get_workflow_handle(identity.workflow_id(s.id)).fetch_history()
        await Replayer(
            workflows=[IncidentWorkflow], data_converter=data_converter, workflow_runner=workflow_runner()
        ).replay_workflow(history)


async def test_the_stock_cli_decides_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        workflow = ("--workflow-id", identity.workflow_id(s.id))
        incident = await s.copy.look()
        draft = incident.drafts[s.draft]
        forged: dict[str, dict[str, Any]] = {
            "approve": {"number": 1, "digest": incident.repairs[1].digest},
            "message-approve": {"number": s.draft, "digest": draft.digest, "texts": draft.digests},
            "announce": {"answer": "yes", "draft": s.draft, "digest": draft.digest, "texts": draft.digests},
            "resolve": {"insist": True},
            "deputy": {"person": "kim"},
            "command": {"why": "the IC is gone"},
            "handover": {"to": "kim"},
            "reload": {"policy": json.loads(incident.policy.model_dump_json())},
        }
        for verb, command in forged.items():
            word = {
                "command": command,
                "by": "kim" if verb == "command" else "bob",
                "at": now().isoformat(),
                "id": verb,
            }
            signalled = ("workflow", "signal", *workflow, "--name", verb, "--input", json.dumps(word))
            assert (await s.stock(*signalled))[0] == 0
            await s.copy.until(functools.partial(_answered, s, verb), f"{verb} is answered")
            reply = await _answered(s, verb)
            assert reply is not None and reply.outcome is Outcome.REFUSED
            assert "needs a proof of who you are" in reply.text, (verb, reply)
        await s.untouched()


async def test_each_way_to_forge_one_signed_word(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        approve = await whole(s, "bob", "approve 1")
        bob = Key("bob")
        await refused(s, Key("anne").sign(s.id, approve), "That is Anne Apison's key")
        await refused(s, LISTENER.sign(s.id, approve), "speaks for people in Slack, not through 'cli'")
        await refused(s, STRANGER.sign(s.id, approve), "is not known here")
        await refused(s, bob.sign("gutih-tugad", approve), "altered on the way, or meant for something else")
        rejected = dataclasses.replace(approve, command=envelope(s, "bob", "reject 1 no").command)
        await refused(s, dataclasses.replace(bob.sign(s.id, rejected), command=approve.command), "altered on the way")
        old = dataclasses.replace(approve, at=now() - timedelta(minutes=6))
        await refused(s, bob.sign(s.id, old), "more than 5 minutes ago")
        something = dataclasses.replace(approve, command=dataclasses.replace(approve.command, digest="0" * 64))
        await refused(s, bob.sign(s.id, something), "It changed since it was shown to you")
        await s.untouched()
        # Signed in another incident, said here: the same number, the same words.
        first, s.copy.incident = s.id, ""
        await s.say("anne", "declare 3 something small", id="second")
        second = s.id
        await s.say("kim", "command")
        await s.say("anne", "propose rollback service=shop-api")
        there = Key("bob").sign(second, approve)
        s.copy.incident = first
        await refused(s, there, "meant for something else")
        await s.untouched()


async def test_a_signed_word_counts_once(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        handle = s.copy.client.get_workflow_handle(identity.workflow_id(s.id))
        approve = Key("bob").sign(s.id, await whole(s, "bob", "approve 1"))
        await handle.signal("approve", approve)
        await s.copy.heard_in_room("did it work?")
        await s.say("bob", "unverified 1")
        await s.say("anne", "propose rollback service=shop-api")
        await handle.signal("approve", approve)
        await handle.signal("approve", dataclasses.replace(approve, reply_to="again"))
        await handle.signal(
            "brief", Key("bob").sign(s.id, envelope(s, "bob", "brief a signal that is signed is heard"))
        )
        await s.copy.heard_in_room("a signal that is signed is heard")
        await s.say("anne", "note still here")
        incident = await s.copy.look()
        assert s.runs == 1 and incident.repairs[1].approvals == 1
        assert incident.repairs[max(incident.repairs)].state is RepairState.PROPOSED


async def test_a_repair_started_by_hand_runs_nothing(tmp_path: Path) -> None:
    """A workflow, a standalone activity, a claim, each made by hand."""
    async with scene(tmp_path) as s:
        repair = (await s.copy.look()).repairs[1]
        order = StepOrder(1, repair.entry, repair.parameters, repair.digest)
        told = ("--input", _json(order), "--task-queue", queues.runner("local"))
        by_hand = ("activity", "execute", "--activity-id", "x", "--type", "run", "--start-to-close-timeout", "30s")
        code, out = await s.stock(*by_hand, *told)
        assert code != 0 and "only a repair action's workflow may ask for a step" in out, out
        approved = dataclasses.replace(repair, state=RepairState.APPROVED, approvals=1, approved_at=now())
        forged = _start(dataclasses.replace(await s.copy.look(), repairs={1: approved}))
        for name in (identity.repair_workflow_id("gutih-tugad", 1), f"{identity.workflow_id(s.id)}/repair-99"):
            at_once = ("workflow", "start", "--type", "RepairActionWorkflow", "--workflow-id", name)
            code, out = await s.stock(*at_once, "--task-queue", queues.ROLES, "--input", _json(forged))
            assert code == 0, out
            await s.copy.until(functools.partial(_failed_run, s, name), f"{name} asked the runner")
        handle = s.copy.client.get_workflow_handle(identity.workflow_id(s.id))
        claim = Claim(1, repair.digest, identity.repair_workflow_id(s.id, 1), repair.run_id, "token")
        asked = CommandAnswers(s.copy.client).ask(handle.id, "claim", claim.token, claim, within=20)
        assert not repairs.verdict(await asked).go
        await s.untouched()


async def test_a_forged_incident_that_says_go_makes_nothing_run(tmp_path: Path) -> None:
    """All that Temporal holds is forged: the incident says go, with an approval that nobody signed, or an old one."""
    async with scene(tmp_path) as s:
        await s.say("bob", "approve 1")
        await s.copy.heard_in_room("did it work?")
        genuine = (await s.copy.look()).repairs[1].approval
        assert s.runs == 1 and genuine is not None
        incident = await s.copy.look()
        for name in (identity.workflow_id(s.id), identity.repair_workflow_id(s.id, 1)):
            await s.copy.client.get_workflow_handle(name).terminate()
        unsigned = dataclasses.replace(genuine, proof=STRANGER.over(genuine.text))
        for approval in (None, unsigned, genuine):
            assert await _run_by_a_forged_incident(s, incident, approval) in (RepairState.FAILED, RepairState.UNKNOWN)
        assert s.runs == 1
        # The same forgery with a fresh approval of the IC's own does run: the three above were refused for the approval.
        fresh = Key("bob").sign(s.id, await _approval(incident))
        signed = dataclasses.replace(genuine, text=proof.of_command(s.id, fresh), proof=fresh.proof)
        assert await _run_by_a_forged_incident(s, incident, signed) == RepairState.SUCCEEDED
        assert s.runs == 2


async def test_a_workflow_that_is_reset_runs_nothing_again(tmp_path: Path) -> None:
    """Put back to right before the run: the repair's workflow, then the incident's to where it had approved."""
    async with scene(tmp_path) as s:
        await s.say("bob", "approve 1")
        await s.copy.heard_in_room("did it work?")
        action = identity.repair_workflow_id(s.id, 1)
        put_back = await _before_the_run(s, action)
        code, out = await s.stock(*put_back)
        assert code == 0, out
        await s.copy.until(lambda: _failed_run(s, action), "it asked the runner again")
        assert s.runs == 1
        code, out = await s.stock(*await _before_the_claim(s))
        assert code == 0, out
        code, out = await s.stock(*put_back)
        assert code == 0, out
        # It asks once more, unless the incident has told it by then what became of it.
        await s.copy.until(lambda: _asks_no_more(s, action), "it has come to rest")
        assert s.runs == 1


async def test_nothing_is_published_by_hand(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        publication = Publication(s.id, "incident-x/publish/1", "investigating", TEXT, practice=False)
        told = ("--input", _json(publication), "--task-queue", queues.CHAT)
        by_hand = ("activity", "execute", "--activity-id", "x", "--type", "publish", "--start-to-close-timeout", "30s")
        code, out = await s.stock(*by_hand, *told)
        assert code != 0 and "only a workflow of an incident asks for this" in out, out
        post = {"channel": "C0EXEC", "text": "all is well", "key": "x"}
        by_hand = ("activity", "execute", "--activity-id", "y", "--type", "post", "--start-to-close-timeout", "30s")
        code, out = await s.stock(*by_hand, "--input", json.dumps(post), "--task-queue", queues.CHAT)
        assert code != 0 and "only a workflow of an incident asks for this" in out, out
        # A customer liaison of one's own, to whom the IC seems to have approved something.
        incident = await s.copy.look()
        draft = Draft(1, "investigating", TEXT, now(), "bob", None, DraftState.APPROVED, "bob", now())
        announced = dataclasses.replace(incident, drafts={1: draft}, announcement=Announcement.YES)
        view = dataclasses.replace(customer_liaison.view(announced, over=False), open=False)
        handle = await s.copy.client.start_workflow(
            "CustomerLiaisonWorkflow",
            RoleStart("gutih-tugad", Brief(1, view)),
            id=identity.role_workflow_id("gutih-tugad", Role.CUSTOMER_LIAISON),
            task_queue=queues.ROLES,
        )

        async def refused_it() -> bool:
            history = await handle.fetch_history()
            return "no signed approval came with it" in history.to_json()

        await s.copy.until(refused_it, "the status page's activity refused it")
        await s.untouched()


async def test_what_decides_nothing_is_heard_unsigned_and_marked(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.copy.gateway.pass_on(s.id, envelope(s, "sam", "stop 1 that is the wrong host"))
        await s.copy.heard_in_room("Sam Storeson says STOP to repair 1")
        await s.copy.heard_in_room("(unsigned: nothing shows that Sam Storeson said it)")
        timeline = [entry.text for entry in (await s.copy.look()).timeline]
        assert "stop 1: that is the wrong host (unsigned)" in timeline


async def test_in_slack_people_need_no_key_of_their_own(tmp_path: Path) -> None:
    """The listener signs for them with its own key, made on its first start."""
    async with scene(tmp_path) as s, hands(s.copy) as use:
        key = s.copy.settings.listener_key
        assert key.stat().st_mode & 0o777 == 0o600
        # Its key is not in the organisation's file yet: what decides is refused, the rest is heard.
        await use.types("bob", "!ic approve 1")
        await use.hears("bob", "is not known here")
        await use.types("bob", "NOTE I am here")

        async def noted() -> bool:
            return any(note.text == "I am here" for note in (await s.copy.look()).notes)

        await s.copy.until(noted, "the note")
        await s.untouched()
        key.write_bytes(LISTENER.file)  # put in its place while it runs
        await use.presses("bob", "approve 1")
        await s.copy.heard_in_room("did it work?")
        assert s.runs == 1


async def test_keys_rotate_while_everything_runs(tmp_path: Path) -> None:
    """A new key stands beside the old one; a running incident learns it by a reload that the IC signed."""
    async with scene(tmp_path) as s:
        new, file = Key("bob's next"), s.copy.settings.config
        old_line = Key("bob").public.line
        file.write_text(
            file.read_text().replace(f'keys = ["{old_line}"]', f'keys = ["{old_line}", "{new.public.line}"]')
        )
        with pytest.raises(Refused, match="a running incident learns it by `!ic reload`"):
            await s.say("bob", "approve 1", new)
        await s.say("bob", "reload")
        await s.say("bob", "approve 1", new)
        await s.copy.heard_in_room("did it work?")
        # The runner has read the file again as well.
        assert s.runs == 1


async def test_what_a_door_kept_while_temporal_was_away_is_handed_over_as_it_was_signed(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        standby = Standby.of(s.copy.settings, s.copy.book, LISTENER)
        before = now() - timedelta(minutes=30)
        await standby.page(s.id, said(PagePeople("sam"), "anne", before, door="slack", id="kept"))
        policy = s.copy.organisation.policy()
        origin = Origin("slack")
        await standby.declare(
            draw_up(
                "it burns", by="anne", by_name="Anne", policy=policy, practice=False, key="k", at=before, origin=origin
            ),
            "k",
        )
        await standby.hand_over(Gateway(s.copy.client, SnapshotReader(s.copy.settings.records_url)))
        paged = [entry.text for entry in (await s.copy.look()).timeline]
        assert any("Sam" in text or "sam" in text for text in paged) and not any("unsigned" in text for text in paged)
        s.copy.incident = identity.incident_id("k")
        assert (await s.copy.look()).timeline[0].text == "SEV-2: it burns"


async def test_a_broken_glass_is_heard_by_everybody(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.say("bob", "approve 1", SAFE)
        await s.copy.heard_in_room("The break-glass key 'safe' speaks in the name of Bob Boberson: `!ic approve 1")
        await s.copy.heard_in_room("did it work?")
        told = await s.copy.until(lambda: s.copy.told("U0BOB"), "the IC is told")
        assert s.runs == 1 and any("break-glass" in text for text in told)


# -- what a forger would build --------------------------------------------------------------------------


def _json(thing: object) -> str:
    (payload,) = data_converter.payload_converter.to_payloads([thing])
    return payload.data.decode()


def _words(verb: str, command: dict[str, Any]) -> str:
    kind = next(kind for kind in VOCABULARY if kind.verb == verb)
    (payload,) = data_converter.payload_converter.to_payloads([command])
    read: Command = data_converter.payload_converter.from_payloads([payload], [kind])[0]
    return read.words()


def _start(incident: Incident) -> RepairStart:
    repair = incident.repairs[1]
    return RepairStart(
        incident=incident.id,
        number=1,
        title=repair.title,
        entry=repair.entry,
        parameters=repair.parameters,
        digest=repair.digest,
        runner="local",
        checked=False,
        brief=_repair_brief(incident, 1, 1, over=False),
    )


async def _failed_run(scene: Scene, workflow: str) -> bool:
    history = await scene.copy.client.get_workflow_handle(workflow).fetch_history()
    return any(event.HasField("activity_task_failed_event_attributes") for event in history.events)


async def _asks_no_more(scene: Scene, workflow: str) -> bool:
    """Its run since the reset has done its work, and nothing of it is under way."""
    described = (await scene.copy.client.get_workflow_handle(workflow).describe()).raw_description
    waits = described.pending_activities or described.HasField("pending_workflow_task")
    history = await scene.copy.client.get_workflow_handle(workflow).fetch_history()
    return not waits and not history.events[-1].HasField("workflow_task_failed_event_attributes")


async def _answered(scene: Scene, verb: str) -> Reply | None:
    """The answer to the command of this verb, whose id is the verb, too."""
    described = await scene.copy.client.get_workflow_handle(identity.workflow_id(scene.id)).describe()
    return answers.read(await described.memo(), verb, verb)


async def _before_the_run(scene: Scene, action: str) -> tuple[str, ...]:
    events = (await scene.copy.client.get_workflow_handle(action).fetch_history()).events
    run = next(e for e in events if e.activity_task_scheduled_event_attributes.activity_type.name == "run")
    return _reset(action, run.activity_task_scheduled_event_attributes.workflow_task_completed_event_id)


async def _before_the_claim(scene: Scene) -> tuple[str, ...]:
    incident = identity.workflow_id(scene.id)
    events = (await scene.copy.client.get_workflow_handle(incident).fetch_history()).events
    claim = next(e.event_id for e in events if e.workflow_execution_signaled_event_attributes.signal_name == "claim")
    done = [e.event_id for e in events if e.HasField("workflow_task_completed_event_attributes")]
    return _reset(incident, max(id for id in done if id < claim))


def _reset(workflow: str, event: int) -> tuple[str, ...]:
    how = ("--event-id", str(event), "--reapply-exclude", "All", "--reason", "to run it again")
    return ("workflow", "reset", "--workflow-id", workflow, *how)


async def _approval(incident: Incident) -> Said[Any]:
    command = grammar.read("approve 1", incident.policy)
    assert isinstance(command, Command)
    return said(command.bound(incident), "bob", now(), id="fresh")


ENDED = (RepairState.FAILED, RepairState.UNKNOWN, RepairState.SUCCEEDED)


async def _run_by_a_forged_incident(scene: Scene, genuine: Incident, approval: Any) -> RepairState:
    """An incident's and a repair's workflow under the ids of the real ones, with a state to one's liking."""
    client, incident = scene.copy.client, copying.deepcopy(genuine)
    repair = incident.repairs[1]
    repair.state, repair.approval, repair.approvals = RepairState.APPROVED, approval, 1
    repair.approved_by, repair.approved_at, repair.claim_token = "bob", now(), ""
    repair.ended_at = repair.settled_at = None
    incident.effects.clear()
    incident.reported.clear()
    incident.outbox.clear()
    name = identity.repair_workflow_id(incident.id, 1)
    before = copying.deepcopy(incident)
    before.repairs[1].state = RepairState.PROPOSED
    action = await client.start_workflow("RepairActionWorkflow", _start(before), id=name, task_queue=queues.ROLES)
    repair.run_id = action.first_execution_run_id or ""
    forged = await client.start_workflow(
        "IncidentWorkflow",
        IncidentInput(carried=Carried(incident)),
        id=identity.workflow_id(incident.id),
        task_queue=queues.INCIDENT,
    )
    await action.signal("see", _repair_brief(incident, 1, 2, over=False))

    async def ended() -> RepairState | None:
        state = (await scene.copy.look()).repairs[1].state
        return state if state in ENDED else None

    state: RepairState = await scene.copy.until(ended, "the runner has answered")
    await forged.terminate()
    await action.terminate()
    return state
