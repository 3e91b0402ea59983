"""Messages of anybody with access to the namespace: none holds a workflow, and the next command is answered."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.workflowservice.v1 import SignalWorkflowExecutionRequest

from entrypoints.problems import Refused
from incident import identity
from incident.answers import LONGEST_ID
from tests.configured import example
from tests.stories.copy import Copy, running

JSON = b"json/plain"


def plain(value: object) -> Payload:
    return Payload(metadata={"encoding": JSON}, data=json.dumps(value).encode())


def bomb() -> Payload:
    """58 kB that would become gigabytes."""
    inner = Payload(metadata={"encoding": JSON}, data=b"0" * 60_000_000)
    return Payload(metadata={"encoding": b"binary/zlib"}, data=zlib.compress(inner.SerializeToString(), 9))


NOTE = {"command": {"text": "hello"}, "by": "anne", "id": "x1"}
MESSAGES: dict[str, list[Payload]] = {
    "nothing": [],
    "a null": [plain(None)],
    "two arguments": [plain(NOTE), plain(NOTE)],
    "three arguments": [plain(1), plain("two"), plain({})],
    "a number": [plain(17)],
    "no JSON": [Payload(metadata={"encoding": JSON}, data=b"{")],
    "no encoding": [Payload(data=b"hello")],
    "an unknown encoding": [Payload(metadata={"encoding": b"mine/odd"}, data=b"hello")],
    "an encoding that is no text": [Payload(metadata={"encoding": b"\xff\xfe"}, data=b"hello")],
    "rubbish that claims to be compressed": [Payload(metadata={"encoding": b"binary/zlib"}, data=b"rubbish")],
    "rubbish that is compressed": [Payload(metadata={"encoding": b"binary/zlib"}, data=zlib.compress(b"\xff" * 99))],
    "a decompression bomb": [bomb()],
    "1.9 MB in the id": [plain({**NOTE, "id": "x" * 1_900_000})],
    "1.9 MB in the name": [plain({**NOTE, "name": "x" * 1_900_000})],
    "1.9 MB in the author": [plain({**NOTE, "by": "x" * 1_900_000})],
    "a long id": [plain({**NOTE, "id": "x" * (LONGEST_ID + 1)})],
    "deeply nested": [Payload(metadata={"encoding": JSON}, data=b"[" * 50_000)],
    "a time of another century": [plain({**NOTE, "at": "9999-12-31T23:59:59Z"})],
    "a lone surrogate": [Payload(metadata={"encoding": JSON}, data=b'{"command": {"text": "\\ud800"}, "by": "anne"}')],
    "a version of the far future": [plain({"version": 10**15, "view": {}, "state": "verified", "over": True})],
}


async def send(copy: Copy, workflow: str, name: str, payloads: Sequence[Payload]) -> None:
    await copy.client.workflow_service.signal_workflow_execution(
        SignalWorkflowExecutionRequest(
            namespace=copy.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow),
            signal_name=name,
            input=Payloads(payloads=payloads),
        )
    )


async def failed_tasks(copy: Copy, workflow: str) -> list[str]:
    """Why workflow tasks failed; not those that the server ended because another Signal came as the workflow closed."""
    history = await copy.client.get_workflow_handle(workflow).fetch_history()
    failed = [event.workflow_task_failed_event_attributes for event in history.events]
    return [one.failure.message for one in failed if one.failure.message]


async def test_no_message_holds_a_workflow(tmp_path: Path) -> None:
    async with running(tmp_path, example(ending={"watched_for": '"1s"'})) as copy:
        await copy.say("anne", "declare 1 checkout is down")
        await copy.say("bob", "command")
        await copy.say("anne", "propose rollback service=shop-api")
        incident = identity.workflow_id(copy.incident)
        repair = identity.repair_workflow_id(copy.incident, next(iter((await copy.look()).repairs)))
        roles = [f"{incident}/{role}" for role in ("deputy", "scribe", "customer-liaison", "internal-liaison")]
        for workflow in (incident, repair, *roles):
            for name in ("note", "report", "claim", "see", "x" * 300):
                for payloads in MESSAGES.values():
                    if name in ("note", "see") or sum(len(payload.data) for payload in payloads) < 10_000:
                        await send(copy, workflow, name, payloads)
        # Each of them goes on: a task is given and timed, the repair runs, the roles see the incident's end.
        await copy.say("bob", f"approve {next(iter((await copy.look()).repairs))}")
        await copy.heard_in_room("did it work?")
        await copy.say("bob", "cancel --yes that was all")
        await copy.everything_ended()
        for workflow in (incident, repair, *roles):
            assert await failed_tasks(copy, workflow) == []


async def test_whoever_waits_for_an_answer_learns_what_was_wrong(tmp_path: Path) -> None:
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout is down")
        incident = identity.workflow_id(copy.incident)

        async def answered(name: str) -> str:
            async def there() -> str:
                memo = await (await copy.client.get_workflow_handle(incident).describe()).memo()
                return str(memo.get(f"answer/{name}", ""))

            return str(await copy.until(there, f"{name} is answered"))

        await send(copy, incident, "aprove", [plain({"command": {}, "by": "bob", "id": "a1"})])
        assert "Unknown command 'aprove'" in await answered("aprove/a1")
        await send(copy, incident, "approve", [plain({"command": {"number": "x"}, "by": "bob", "id": "a2"})])
        assert "was not understood" in await answered("approve/a2")
        await send(copy, incident, "note", [plain({**NOTE, "id": "a3", "name": "x" * 300})])
        assert "300 characters of at most 200" in await answered("note/a3")


async def test_notes_of_strangers_fill_no_record(tmp_path: Path) -> None:
    """The state stays below what the server takes, and the IC can go on deciding."""
    async with running(tmp_path, example()) as copy:
        await copy.say("anne", "declare 1 checkout is down")
        await copy.say("bob", "command")
        incident = identity.workflow_id(copy.incident)
        for number in range(300):
            note = {"command": {"text": "x" * 7_900}, "by": f"UGUEST{number % 20}", "id": f"n{number}"}
            await send(copy, incident, "note", [plain(note)])
        with pytest.raises(Refused, match="record is full"):
            await copy.say("sam", f"note {'one more ' * 50}")
        await copy.say("bob", "impact nobody can pay")
        await copy.say("bob", "cancel --yes that was all")
        assert await failed_tasks(copy, incident) == []
