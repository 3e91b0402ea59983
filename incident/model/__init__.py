"""The incident and what it is made of.

Plain data. `Incident` is changed only by commands (`incident.commands`), by reports (`incident.reports`)
and by its own clock (`incident.duties.command`); each of them runs to its end without waiting for anything,
so nobody ever sees half a change. All times are aware datetimes in UTC.
"""

from incident.model.after import After, FollowUp, Stage
from incident.model.incident import Answer, Incident, Origin, Phase
from incident.model.knowledge import Change, ChangedLately, Facts, Reading, SeverityChange, Status, Worsening
from incident.model.message import Announcement, Draft, DraftState, Summary, Version, text_digest
from incident.model.people import Challenge, Handover, Held, Page, Responder
from incident.model.repair import Objection, Offer, Repair, RepairState, Trouble
from incident.model.room import Entry, Line, Room, Shown
from incident.model.work import RollCall, SubTeam, Task, TeamReport, Ticked, Trigger

__all__ = [
    "After",
    "Announcement",
    "Answer",
    "Challenge",
    "Change",
    "ChangedLately",
    "Draft",
    "DraftState",
    "Entry",
    "Facts",
    "FollowUp",
    "Handover",
    "Held",
    "Incident",
    "Line",
    "Objection",
    "Offer",
    "Origin",
    "Page",
    "Phase",
    "Reading",
    "Repair",
    "RepairState",
    "Responder",
    "RollCall",
    "Room",
    "SeverityChange",
    "Shown",
    "Stage",
    "Status",
    "SubTeam",
    "Summary",
    "Task",
    "TeamReport",
    "Ticked",
    "Trigger",
    "Trouble",
    "Version",
    "Worsening",
    "text_digest",
]
