"""The vocabulary: everything a responder can say, one small class a command.

`VOCABULARY` is the list of them all, in the order in which `help` shows them. The incident workflow registers an
Update for each, the grammar reads each from words, the CLI makes a verb of each.
"""

from incident.commands.base import Command, Refusal, Said, Speaker, Who, hear, judge
from incident.commands.ending import Cancel, NamePostmortemOwner, Reload, Reopen, Resolve
from incident.commands.leading import (
    Accept,
    AppointCustomerLiaison,
    AppointDeputy,
    AppointInternalLiaison,
    AppointScribe,
    Handover,
    TakeCommand,
)
from incident.commands.paging import NeedTeam, PagePeople
from incident.commands.public import (
    Announce,
    ApproveMessage,
    CustomersReport,
    EditMessage,
    HoldMessage,
    OwnWords,
    SendSummary,
    WriteDraft,
)
from incident.commands.recording import Note, Stalk, Todo, Unstalk
from incident.commands.repairing import (
    Abort,
    Approve,
    Did,
    Failed,
    Object,
    Poll,
    Propose,
    Reject,
    Stop,
    Unverified,
    Verified,
    Withdraw,
)
from incident.commands.sizing_up import (
    Acknowledge,
    Ask,
    AssignTask,
    Brief,
    Can,
    Cause,
    Done,
    Eta,
    Finding,
    Impact,
    Join,
    Leave,
    More,
    Proxy,
    SetSeverity,
    Symptom,
)
from incident.commands.triggering import Further, Same, Separate

VOCABULARY: tuple[type[Command], ...] = (
    PagePeople,
    Note,
    Stop,
    Further,
    Same,
    Separate,
    Join,
    Leave,
    Proxy,
    Finding,
    Can,
    CustomersReport,
    NeedTeam,
    Propose,
    Withdraw,
    Object,
    Did,
    Todo,
    Acknowledge,
    Done,
    Failed,
    More,
    Stalk,
    Unstalk,
    SetSeverity,
    TakeCommand,
    Accept,
    Handover,
    AppointDeputy,
    AppointScribe,
    AppointCustomerLiaison,
    AppointInternalLiaison,
    Symptom,
    Cause,
    Impact,
    Eta,
    AssignTask,
    Ask,
    Brief,
    Poll,
    Approve,
    Reject,
    Abort,
    Verified,
    Unverified,
    Announce,
    ApproveMessage,
    EditMessage,
    HoldMessage,
    WriteDraft,
    OwnWords,
    SendSummary,
    Reload,
    Resolve,
    Cancel,
    Reopen,
    NamePostmortemOwner,
)

__all__ = ["VOCABULARY", "Command", "Refusal", "Said", "Speaker", "Who", "hear", "judge"]
