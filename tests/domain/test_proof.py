"""Whose word a command is, is proved, not claimed (process, 8)."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.outlet import Publication, check
from connection import data_converter
from incident import declaring, grammar, keys, notices, proof
from incident.commands import VOCABULARY, Command, Refusal, Said, hear, judge
from incident.commands.announcing import Announce
from incident.commands.deciding import Approve
from incident.commands.ending import Reload
from incident.commands.messaging import ApproveMessage
from incident.commands.paging import PagePeople
from incident.commands.recording import Note
from incident.declaring import Declaration
from incident.model import Answer, DraftState, RepairState, text_digest
from incident.outlets import Outlet
from incident.policy import BadPolicy, Policy, read_organisation
from incident.proof import FRESH, Signed
from tests.configured import example
from tests.domain.conftest import NOW
from tests.signing import LISTENER, SAFE, STRANGER, Key, said, with_keys
from tests.vocabulary import SPOKEN

ID = "lusab-babad"
POLICY = read_organisation(with_keys(example()), "example.toml").policy()


class Real:
    """An incident outside of practice, and its time."""

    def __init__(self) -> None:
        declaration = Declaration(ID, "checkout is down", "anne", "Anne Apison", NOW, POLICY, practice=False)
        self.incident = declaring.declare(declaration, NOW)
        self.now = NOW + timedelta(minutes=1)
        self._said = 0

    def hear(self, said: Said[Any]) -> Answer:
        judge(self.incident, said, self.now)
        return hear(self.incident, said, self.now)

    def envelope(self, by: str, words: str, *, door: str = "cli", id: str = "") -> Said[Any]:
        self._said += 1
        command = grammar.read(words, POLICY, exact=True)
        assert isinstance(command, Command)
        return said(command.bound(self.incident), by, self.now, id=id or f"said-{self._said}", door=door)

    def say(self, by: str, words: str, key: Key | None = None, *, door: str = "cli", id: str = "") -> Answer:
        """Signed with the speaker's own key, if no other is given."""
        return self.hear((key or Key(by)).sign(ID, self.envelope(by, words, door=door, id=id)))

    @property
    def lines(self) -> list[str]:
        return [entry.text for entry in self.incident.timeline]


@pytest.fixture
def real() -> Real:
    story = Real()
    story.say("bob", "command")
    story.say("anne", "propose rollback service=shop-api")
    return story


# -- decisions ------------------------------------------------------------------------------------------


def test_a_decision_counts_when_it_is_signed_with_ones_own_key(real: Real) -> None:
    real.say("bob", "approve 1")
    repair = real.incident.repairs[1]
    assert repair.state is RepairState.APPROVED
    assert proof.approves(POLICY, repair.approval, ID, repair_of(repair.digest)) is None


def test_in_slack_the_listener_vouches_for_anybody(real: Real) -> None:
    real.say("bob", "reject 1 not now", LISTENER, door="slack")
    assert real.incident.repairs[1].state is RepairState.REJECTED


@pytest.mark.parametrize("words", [SPOKEN[kind.verb] for kind in VOCABULARY if kind.who == "IC"])
def test_none_of_the_ics_decisions_counts_unsigned(real: Real, words: str) -> None:
    with pytest.raises(Refusal, match=r"needs a proof of who you are: say it in Slack, or with `ic` and your key"):
        real.hear(real.envelope("bob", words))


@pytest.mark.parametrize(("by", "words"), [("kim", "command they are gone"), ("bob", "abort 1"), ("bob", "sev 2")])
def test_neither_is_command_taken_nor_a_run_stopped_nor_the_severity_set_unsigned(
    real: Real, by: str, words: str
) -> None:
    with pytest.raises(Refusal, match="needs a proof"):
        real.hear(real.envelope(by, words))


def test_another_persons_key_does_not_speak_for_the_ic(real: Real) -> None:
    with pytest.raises(Refusal, match="That is Anne Apison's key, and it is said in the name of Bob Boberson"):
        real.say("bob", "approve 1", Key("anne"))


def test_the_listeners_key_does_not_speak_for_the_shell(real: Real) -> None:
    with pytest.raises(Refusal, match="speaks for people in Slack, not through 'cli'"):
        real.say("bob", "approve 1", LISTENER)


def test_a_key_that_nobody_knows_decides_nothing_and_one_learns_how_to_add_it(real: Real) -> None:
    with pytest.raises(Refusal, match=r"is not known here\. `ic keys` shows how to add it"):
        real.say("bob", "approve 1", STRANGER)


def test_what_was_meant_for_another_incident_is_refused(real: Real) -> None:
    meant = Key("bob").sign("gutih-tugad", real.envelope("bob", "approve 1"))
    with pytest.raises(Refusal, match="meant for something else"):
        real.hear(meant)


@pytest.mark.parametrize(
    "altered",
    [
        {"command": Approve(2)},
        {"by": "dee"},
        {"id": "another"},
        {"door": "slack"},
        {"name": "Bobby"},
        {"at": NOW},
        {"on_behalf": "sam"},
    ],
    ids=lambda altered: next(iter(altered)),
)
def test_every_part_of_the_envelope_is_under_the_signature(real: Real, altered: dict[str, Any]) -> None:
    signed = Key("bob").sign(ID, real.envelope("bob", "approve 1"))
    with pytest.raises(Refusal, match="altered on the way"):
        real.hear(dataclasses.replace(signed, **altered))


@pytest.mark.parametrize("minutes", [-6, 6])
def test_what_was_said_too_long_ago_or_ahead_is_asked_again(real: Real, minutes: int) -> None:
    old = dataclasses.replace(real.envelope("bob", "approve 1"), at=real.now - timedelta(minutes=minutes))
    with pytest.raises(Refusal, match=r"more than 5 minutes .* say it again"):
        real.hear(Key("bob").sign(ID, old))


def test_said_twice_it_counts_once_whatever_was_said_meanwhile(real: Real) -> None:
    """Somebody who floods the incident until ids are forgotten gains nothing."""
    poll = Key("bob").sign(ID, real.envelope("bob", "brief all is well"))
    real.hear(poll)
    assert real.hear(poll).text
    for n in range(600):
        real.hear(said(Note("x"), "zed", real.now, id=f"flood-{n}"))
    with pytest.raises(Refusal, match="heard already"):
        real.hear(poll)
    real.now += FRESH + timedelta(seconds=1)
    with pytest.raises(Refusal, match="more than 5 minutes ago"):
        real.hear(poll)


def test_an_id_that_was_used_for_a_note_swallows_no_decision(real: Real) -> None:
    real.hear(said(Note("x"), "zed", real.now, id="button-7"))
    real.say("bob", "reject 1 no", id="button-7")
    assert real.incident.repairs[1].state is RepairState.REJECTED


def test_a_decision_without_an_id_or_a_time_is_refused(real: Real) -> None:
    for part, why in (({"id": ""}, "no id"), ({"at": None}, "does not say when")):
        envelope = dataclasses.replace(real.envelope("bob", "approve 1"), **part)
        with pytest.raises(Refusal, match=why):
            real.hear(Key("bob").sign(ID, envelope))


@pytest.mark.parametrize(
    "at",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
        datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-12))),
        datetime(2026, 3, 2, 14, 1),  # without a zone, as somebody might send it
    ],
    ids=["the first day", "the last day", "no zone"],
)
def test_whatever_is_sent_is_refused_with_a_sentence_and_does_not_hold_the_incident(real: Real, at: datetime) -> None:
    """An error that is no refusal would keep the workflow from ever going on."""
    for words in ("brief \ud800", "note \ud800"):
        envelope = dataclasses.replace(real.envelope("bob", words), at=at)
        for key in (Key("bob"), STRANGER):
            with contextlib.suppress(Refusal):
                real.hear(key.sign(ID, envelope))
        with contextlib.suppress(Refusal):
            real.hear(dataclasses.replace(envelope, proof=SIGNED.proof))
    assert real.say("bob", "brief we go on").text


def test_an_approval_says_what_it_approves(real: Real) -> None:
    nothing = dataclasses.replace(real.envelope("bob", "approve 1"), command=Approve(1))
    with pytest.raises(Refusal, match="does not say what is approved"):
        real.hear(Key("bob").sign(ID, nothing))
    something_else = dataclasses.replace(nothing, command=Approve(1, digest="0" * 64))
    with pytest.raises(Refusal, match="It changed since it was shown to you"):
        real.hear(Key("bob").sign(ID, something_else))


def test_what_is_approved_is_what_the_button_showed(real: Real) -> None:
    real.say("bob", "draft investigating We look into it.", id="draft")
    number = max(real.incident.drafts)
    shown = next(c.words for c in notices.compose(real.incident, f"draft/{number}").choices if "yes" in c.words)
    real.say("bob", f"message edit {number} We look into something else.")
    with pytest.raises(Refusal, match="It changed since it was shown to you"):
        real.say("bob", shown)
    real.say("bob", f"announce yes {number}")
    assert real.incident.drafts[number].state is DraftState.APPROVED


# -- what decides nothing -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", ["note odd", "todo later", "page anne", "finding a leak", "stop 1 wrong host", "join"]
)
def test_what_decides_nothing_is_never_lost_for_lack_of_a_key_and_is_marked(real: Real, words: str) -> None:
    real.hear(real.envelope("sam", words))
    assert real.lines[-1].endswith("(unsigned)")
    real.say("sam", words if words != "join" else "note here", STRANGER)
    assert real.lines[-1].endswith("(unsigned)")


def test_signed_it_is_not_marked(real: Real) -> None:
    real.say("anne", "finding a leak")
    assert not any("unsigned" in line for line in real.lines[-1:])


def test_unsigned_words_do_not_answer_a_challenge_for_the_ic(real: Real) -> None:
    real.say("kim", "command the IC is gone")
    real.hear(real.envelope("bob", "note I am here"))
    assert real.incident.challenge is not None
    real.say("bob", "note I am here")
    assert real.incident.challenge is None


def test_anybody_may_declare_and_who_proved_it_is_seen() -> None:
    plain = Declaration(ID, "down", "anne", "Anne Apison", NOW, POLICY, practice=False)
    signed = dataclasses.replace(plain, proof=Key("anne").over(proof.of_declaration(plain)))
    first = [declaring.declare(declaration, NOW).timeline[0].text for declaration in (plain, signed)]
    assert first == ["SEV-2: down (unsigned)", "SEV-2: down"]


def test_whoever_is_the_ics_voice_signs_with_their_own_key(real: Real) -> None:
    real.say("bob", "voice @carla")
    with pytest.raises(Refusal, match="needs a proof"):
        real.hear(real.envelope("carla", "approve 1"))
    real.say("carla", "approve 1")
    repair = real.incident.repairs[1]
    assert repair.approved_by == "bob"
    assert proof.approves(POLICY, repair.approval, ID, repair_of(repair.digest)) is None


# -- practice and emergencies ---------------------------------------------------------------------------


def test_in_practice_a_claim_is_enough_but_a_false_proof_is_not() -> None:
    declaration = Declaration(ID, "down", "anne", "Anne Apison", NOW, POLICY)
    incident = declaring.declare(declaration, NOW)
    command = grammar.read("command", POLICY)
    with pytest.raises(Refusal, match="That is Kim Kommandson's key"):
        judge(incident, Key("kim").sign(ID, said(command, "bob", NOW)), NOW)
    judge(incident, said(command, "bob", NOW), NOW)


def test_a_break_glass_key_speaks_for_anybody_and_room_and_ic_are_told(real: Real) -> None:
    real.say("kim", "command bob is gone", SAFE)
    told = [e for e in real.incident.effects.values() if getattr(e, "person", "") == "bob"]
    announced = "The break-glass key 'safe' speaks in the name of Kim Kommandson: `!ic command --yes bob is gone`."
    assert announced in [line.text for line in real.incident.outbox] and announced in real.lines
    assert any(getattr(e, "text", "") == announced for e in told)


def test_a_running_incident_learns_a_new_key_by_a_signed_reload_only(real: Real) -> None:
    new = Key("the listener's next")
    text = with_keys(example()) + f'\n[[doors]]\nname = "next"\nkey = "{new.public.line}"\n'
    newer = read_organisation(text, "x").policy()
    reload = said(Reload(newer), "bob", real.now, id="reload", door="slack")
    with pytest.raises(Refusal, match="is not known here"):
        real.hear(new.sign(ID, reload))
    with pytest.raises(Refusal, match="needs a proof"):
        real.hear(reload)
    real.hear(LISTENER.sign(ID, reload))
    real.say("bob", "reject 1 no", new, door="slack")
    assert real.incident.repairs[1].state is RepairState.REJECTED


# -- who acts on it verifies again ----------------------------------------------------------------------


def repair_of(digest: str, number: int = 1) -> Callable[[str, Mapping[str, Any]], bool]:
    return lambda verb, command: verb == "approve" and (command["number"], command["digest"]) == (number, digest)


def approval(text_of: str = "bob", **content: Any) -> Signed:
    command = Approve(**{"number": 3, "digest": "d" * 64, **content})
    signed = Key(text_of).sign(ID, said(command, "bob", NOW))
    return Signed(proof.of_command(ID, signed), signed.proof)


def test_an_approval_is_for_this_incident_this_number_and_this_content() -> None:
    def why(signed: Signed | None, incident: str = ID, digest: str = "d" * 64, number: int = 3) -> str | None:
        since = NOW - timedelta(minutes=1)
        return proof.approves(POLICY, signed, incident, repair_of(digest, number), since=since)

    assert why(approval()) is None
    assert why(None) == "no signed approval came with it"
    assert "something else" in (why(approval(), incident="gutih-tugad") or "")
    assert "something else" in (why(approval(), digest="e" * 64) or "")
    assert "something else" in (why(approval(), number=4) or "")
    assert "Anne Apison's key" in (why(approval("anne")) or "")
    assert "not known" in (why(approval("a stranger")) or "")
    good = approval()
    assert "does not fit" in (why(Signed(good.text.replace('"number":3', '"number":4'), good.proof)) or "")
    assert "does not say" in (why(Signed("{}", good.proof)) or "")
    assert proof.approves(POLICY, good, ID, repair_of("d" * 64, 3), since=NOW + FRESH) == "its approval is too old"


def publication(text: str, signed: Signed | None) -> Publication:
    return Publication(ID, "k", "investigating", text, practice=False, approval=signed)


async def test_a_public_message_goes_out_as_it_was_approved_on_the_outlets_it_was_approved_for() -> None:
    """By the deed's own check, run as an activity of the customer liaison."""
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(environment.info, workflow_id=f"incident-{ID}/customer-liaison")
    page, x = "We look into it.", "On it."
    digests = {
        Outlet.STATUS_PAGE: text_digest("investigating", Outlet.STATUS_PAGE, page, {}),
        Outlet.X: text_digest("investigating", Outlet.X, x, {}),
    }

    def worth(command: Command, outlet: Outlet, text: str, key: str = "bob", hours: float = 0) -> str:
        at = datetime.now(UTC) - timedelta(hours=hours)
        signed = Key(key).sign(ID, said(command, "bob", at))
        approval = Signed(proof.of_command(ID, signed), signed.proof)
        try:
            environment.run(lambda: check(outlet, publication(text, approval), practice=False, rules=POLICY))
        except ApplicationError as refused:
            return refused.message
        return "goes out"

    both, only_x = ApproveMessage(2, None, "d", digests), ApproveMessage(2, Outlet.X, "d", digests)
    assert worth(both, Outlet.STATUS_PAGE, page) == worth(both, Outlet.X, x) == worth(only_x, Outlet.X, x) == "goes out"
    assert worth(Announce("yes", 2, "d", digests), Outlet.X, x) == "goes out"
    assert worth(both, Outlet.X, x, hours=11) == "goes out", "an outlet may be away for long"
    assert "too old" in worth(both, Outlet.X, x, hours=13), "and nobody says it again another day"
    other = "Not done: what was approved is something else."
    assert worth(only_x, Outlet.STATUS_PAGE, page) == worth(both, Outlet.X, page) == worth(both, Outlet.X, "!") == other
    assert worth(Announce("no", 2, "d", digests), Outlet.X, x) == other
    assert "Anne Apison's key" in worth(both, Outlet.X, x, "anne")
    environment.info = dataclasses.replace(environment.info, workflow_id="incident-gutih-tugad/customer-liaison")
    assert "belongs to gutih-tugad" in worth(both, Outlet.X, x)


# -- the canonical text ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", VOCABULARY, ids=lambda kind: kind.verb)
def test_the_canonical_text_is_the_same_on_the_other_side_of_temporal(kind: type[Command]) -> None:
    command = grammar.read(SPOKEN[kind.verb], POLICY)
    if isinstance(command, Reload):
        command = Reload(POLICY)
    sent: Said[Any] = said(command, "bob", NOW)
    converter = data_converter.payload_converter
    (received,) = converter.from_payloads(converter.to_payloads([sent]), [Said[kind]])  # type: ignore[valid-type]  # chosen at run time
    assert proof.of_command(ID, received) == proof.of_command(ID, sent)


def test_the_canonical_text_stays_as_it_is() -> None:
    """Doors and incidents of different versions agree on it."""
    assert proof.of_command(ID, said(Approve(3, "anne"), "bob", NOW)) == (
        '{"at":"2026-03-02T14:00:00+00:00","by":"bob","command":{"number":3,"owner":"anne"},"door":"cli","id":"id-1",'
        '"incident":"lusab-babad","name":"bob","on_behalf":"","verb":"approve"}'
    )


SIGNED = Key("bob").sign(ID, said(Approve(3, "anne", digest="d" * 64), "bob", NOW))
TEXT = proof.of_command(ID, SIGNED)


@given(st.integers(0, len(TEXT.encode()) - 1), st.integers(1, 255))
def test_any_altered_byte_of_the_text_is_refused(place: int, change: int) -> None:
    raw = bytearray(TEXT.encode())
    raw[place] ^= change
    altered = Signed(raw.decode(errors="replace"), SIGNED.proof)
    assert not proof.standing(POLICY, altered, person="bob", door="cli").proven


@given(st.integers(0, len(SIGNED.proof) - 1), st.characters())
def test_any_altered_character_of_the_proof_is_refused(place: int, other: str) -> None:
    altered = SIGNED.proof[:place] + other + SIGNED.proof[place + 1 :]
    worth = proof.standing(POLICY, Signed(TEXT, altered), person="bob", door="cli")
    assert worth.proven == (altered == SIGNED.proof)


@given(st.text(max_size=200), st.text(max_size=20), st.text(max_size=20))
def test_two_envelopes_have_one_text_only_if_they_are_one(text: str, by: str, id: str) -> None:
    one, other = said(Note(text), by, NOW, id=id), said(Note(by), text, NOW, id=id)
    assert (proof.of_command(ID, one) == proof.of_command(ID, other)) == (text == by)


@given(st.text(max_size=300))
def test_whatever_stands_in_a_proof_is_an_answer_not_an_error(rubbish: str) -> None:
    assert not proof.standing(POLICY, Signed(TEXT, rubbish), person="bob", door="cli").proven
    assert proof.approves(POLICY, Signed(rubbish, SIGNED.proof), ID, repair_of("d" * 64)) is not None


# -- keys in the organisation's file --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ssh-rsa AAAAB3 bob", "must be an Ed25519 public key"),
        ("ssh-ed25519 AAAA", "is cut off"),
        ("ssh-ed25519 ???", "is not a whole public key"),
        (LISTENER.public.line[:60], "is cut off|is not a whole public key"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "is a private key: replace it at once"),
    ],
)
def test_a_key_that_cannot_be_used_is_named_with_what_it_must_be(line: str, why: str) -> None:
    text = example().replace('id = "bob"\n', f'id = "bob"\nkeys = ["{line}"]\n', 1)
    with pytest.raises(BadPolicy, match=rf"org\.toml: people\.0\.keys\.0: ({why})"):
        read_organisation(text, "org.toml")


def test_nobody_shares_a_key(policy: Policy) -> None:
    line = Key("bob").public.line
    text = with_keys(example()).replace('id = "sam"\n', f'id = "sam"\nkeys = ["{line}"]\n', 1)
    with pytest.raises(BadPolicy, match="person/bob and person/sam have the same key"):
        read_organisation(text, "org.toml")
    assert policy.public_keys() == []


def test_a_key_reads_back_as_it_was() -> None:
    for key in (LISTENER, SAFE, STRANGER):
        assert keys.read(key.public.line) == key.public
    assert PagePeople().bound(Real().incident) == PagePeople()
