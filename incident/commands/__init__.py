"""The vocabulary: everything a responder can say, one small class a command.

`VOCABULARY` is the list of them all, in the order in which `help` shows them. The incident workflow registers an
Update for each, the grammar reads each from words, the CLI makes a verb of each.
"""

from incident.commands.after import (
    ClosePostmortem,
    FollowUpDone,
    LinkPostmortem,
    PostmortemReviewed,
    ReviewPostmortem,
    SetMeeting,
)
from incident.commands.announcing import Announce, CustomersReport, DropOwed, ToldInPerson
from incident.commands.base import Command, Refusal, Said, Speaker, Who, hear, judge
from incident.commands.checking_in import Brief, Join, Leave, Proxy
from incident.commands.correcting import CallRoll, SetService, SetStarted, SetTitle
from incident.commands.deciding import Abort, Approve, Poll, Reject, Undo, Unverified, Verified
from incident.commands.deputising import AddDeputy
from incident.commands.disrupting import Challenge, Warn
from incident.commands.ending import Cancel, NamePostmortemOwner, Recovered, Reload, Reopen, Resolve
from incident.commands.informing import OwnWords, SendSummary, SubscribeStakeholders
from incident.commands.knowing import Can, Cause, Eta, Finding, Impact, SetSeverity, Symptom, Workaround
from incident.commands.leading import (
    Accept,
    AppointCustomerLiaison,
    AppointDeputy,
    AppointInternalLiaison,
    AppointScribe,
    Decline,
    Handover,
    NameVoice,
    TakeCommand,
)
from incident.commands.messaging import (
    ApproveMessage,
    EditMessage,
    HoldMessage,
    RetractMessage,
    Rhythm,
    SetComponent,
    WriteDraft,
)
from incident.commands.paging import NeedTeam, PagePeople
from incident.commands.proposing import NameTrouble, Propose, Withdraw
from incident.commands.recording import Note, Stalk, Strike, Todo, Unstalk
from incident.commands.releasing import Keep, Remove
from incident.commands.reporting import Did, Failed, Object, Stop
from incident.commands.sections import (
    AddBadly,
    AddFactor,
    AddImpact,
    AddLesson,
    AddWell,
    Retrospect,
    ShowEmails,
    WriteExternal,
    WriteOverview,
    WriteResolution,
    WriteWhat,
)
from incident.commands.securing import Checklist, Lift, NotSecurity, Secure
from incident.commands.tasking import Acknowledge, Ask, AssignTask, Done, More, Standby
from incident.commands.teaming import AddToTeam, CloseTeam, FormTeam, MoreForTeam, ReleaseFromTeam
from incident.commands.triggering import Further, Same, Separate

VOCABULARY: tuple[type[Command], ...] = (
    PagePeople,
    Note,
    Strike,
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
    DropOwed,
    ToldInPerson,
    NeedTeam,
    Propose,
    Withdraw,
    Object,
    Did,
    NameTrouble,
    Todo,
    Acknowledge,
    Standby,
    Done,
    Failed,
    More,
    Stalk,
    Unstalk,
    SetSeverity,
    TakeCommand,
    Accept,
    Decline,
    Handover,
    Challenge,
    Warn,
    AppointDeputy,
    AddDeputy,
    AppointScribe,
    AppointCustomerLiaison,
    AppointInternalLiaison,
    NameVoice,
    Symptom,
    Cause,
    Impact,
    Workaround,
    Eta,
    SetTitle,
    SetService,
    SetStarted,
    AssignTask,
    Ask,
    CallRoll,
    Brief,
    Poll,
    Approve,
    Reject,
    Abort,
    Verified,
    Unverified,
    Undo,
    Announce,
    ApproveMessage,
    EditMessage,
    HoldMessage,
    RetractMessage,
    WriteDraft,
    SetComponent,
    Rhythm,
    OwnWords,
    SendSummary,
    SubscribeStakeholders,
    FormTeam,
    AddToTeam,
    ReleaseFromTeam,
    MoreForTeam,
    CloseTeam,
    Keep,
    Remove,
    Secure,
    Lift,
    NotSecurity,
    Checklist,
    Reload,
    Resolve,
    Recovered,
    Cancel,
    Reopen,
    NamePostmortemOwner,
    ReviewPostmortem,
    PostmortemReviewed,
    ClosePostmortem,
    SetMeeting,
    LinkPostmortem,
    FollowUpDone,
    WriteOverview,
    WriteWhat,
    AddFactor,
    WriteResolution,
    AddImpact,
    AddWell,
    AddBadly,
    AddLesson,
    WriteExternal,
    ShowEmails,
    Retrospect,
)

__all__ = ["VOCABULARY", "Command", "Refusal", "Said", "Speaker", "Who", "hear", "judge"]
