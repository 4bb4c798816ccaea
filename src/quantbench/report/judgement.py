"""The gauntlet on a page: the table of gates, and how often these bars were opened as a holdout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from quantbench.core.evidence import Evidence
from quantbench.data.openings import Opening
from quantbench.report.wording import counted

__all__ = ["gauntlet", "opened_note"]


def gauntlet(evidence: Evidence) -> dict[str, Any]:
    """Return what the page shows of evidence: its colour, its verdict, one row a gate, and what repeats it."""
    chosen = ", ".join(f"{name} {value}" for name, value in evidence.params.items())
    return {
        "colour": evidence.colour,
        "verdict": evidence.verdict,
        "about": f"{evidence.strategy} ({chosen}), {evidence.profile} profile, on {'; '.join(evidence.markets)}.",
        "rows": [
            {
                "colour": gate.colour,
                "tone": gate.colour.replace(" ", "-"),
                "name": gate.name,
                "says": gate.says,
                "threshold": gate.threshold,
                "more": ". ".join(part for part in (f"Against: {gate.null}" if gate.null else "", gate.method) if part),
            }
            for gate in evidence.gates
        ],
        "notes": [*evidence.facts.get("notes", []), *evidence.facts.get("holdout", [])],
    }


def opened_note(opened: Sequence[Opening]) -> str:
    """Return one sentence on how often a part of these bars was opened as a holdout; empty if never."""
    if not opened:
        return ""
    first, last = min(one.first for one in opened)[:10], max(one.last for one in opened)[:10]
    families = ", ".join(sorted({one.family for one in opened}))
    return (
        f"Of these bars, {first} to {last} was opened as a holdout {counted(len(opened), 'time')} ({families}): "
        "what is found there is no longer unseen."
    )
