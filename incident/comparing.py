"""What is different in a proposal from what was approved last (process, 4)."""

from __future__ import annotations

from incident.model import Incident, Repair
from incident.texts import moment


def since_last_approval(incident: Incident, repair: Repair) -> str:
    """An approval is for exactly what was shown; whoever gives another sees what changed. Empty when there was none."""
    before = [
        r
        for r in incident.repairs.values()
        if repair.entry
        and (r.entry, r.step) == (repair.entry, repair.step)
        and r.number < repair.number
        and r.approved_at
    ]
    if not before:
        return ""
    last = max(before, key=lambda r: (r.approved_at, r.number))
    assert last.approved_at is not None
    changes = _changes(last, repair)
    said = f"repair {last.number}, approved at {moment(last.approved_at)}"
    return f"Changed since {said}: {'; '.join(changes)}." if changes else f"The same as {said}."


def _changes(last: Repair, this: Repair) -> list[str]:
    names = dict.fromkeys((*last.parameters, *this.parameters))
    pairs = [(name, last.parameters.get(name, ""), this.parameters.get(name, "")) for name in names]
    pairs.append(("catalogue version", last.version, this.version))
    if all(before == now for _, before, now in pairs):  # else it follows from these
        pairs.append(("what it does", f"`{last.does}`", f"`{this.does}`"))
    pairs += [("risk", last.risk, this.risk), ("fallback", last.fallback, this.fallback)]
    return [f"{name} {before or 'none'} → {now or 'none'}" for name, before, now in pairs if before != now]
