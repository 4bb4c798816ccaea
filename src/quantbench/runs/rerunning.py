"""A study run again exactly: on the data it had, and for each number whether it is the same, and if not what moved it.

Nothing of the old study is touched: its rerun is a study of its own, ``<study>@exact``. Every run is made
anew, also where its key is known, since a number is only reproduced when it was computed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from quantbench.data.pins import pinned
from quantbench.runs.batch import Engine, Progress, run_plan
from quantbench.runs.keys import explain_miss
from quantbench.runs.old_study import OldStudy, again, old_study, pins_for
from quantbench.runs.planning import Planned
from quantbench.runs.record import RunRecord

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EXACT", "NOT_REPRODUCIBLE", "Exact", "paired", "rerun_exactly", "run_again"]

EXACT: Final = "exact"
_CAUSES: Final = {"code": "code", "modules": "code", "data": "data", "libraries": "libraries", "python": "libraries"}
NOT_REPRODUCIBLE: Final = "nothing recorded"


@dataclass(frozen=True)
class Exact:
    """An old study and its rerun, number by number.

    Attributes
    ----------
    study, again : str
        The old one, and the study its rerun was kept as.
    table : DataFrame
        One row a run and number: ``run, again`` (keys), ``number``, ``before, now``, ``same``, ``because``: which of
        code, data and libraries differ where it moved, or ``"nothing recorded"`` does. A status counts as a number.
    notes : tuple of str
        What else must be known, one sentence each.
    """

    study: str
    again: str
    table: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether every number is the same to the last bit."""
        return bool(self.table["same"].all())

    @property
    def headline(self) -> str:
        """How many numbers are the same, and what moved the others."""
        moved = self.table[~self.table["same"]]
        runs, many = self.table["run"].nunique(), len(self.table)
        head = f"{self.study} again: {runs:,} runs, {many:,} numbers, {many - len(moved):,} the same"
        if not len(moved):
            return head
        by = ", ".join(f"{count:,} by {cause}" for cause, count in moved["because"].value_counts().items())
        return f"{head}, {len(moved):,} moved ({by})"


def rerun_exactly(
    study: str, *, workers: int | None = None, engine: Engine | None = None, progress: Progress | None = None
) -> Exact:
    """Run a study again on the versions of data it had, with today's code and libraries.

    Parameters
    ----------
    study : str
    workers, engine : optional
        Instead of what its spec says.
    progress : callable, optional
        As `run_batch` takes it.

    Returns
    -------
    Exact

    Raises
    ------
    RunError
        When there is no such study, or its notebook is gone or no longer takes its parameters.

    Notes
    -----
    Where several of code, data and libraries differ, all are named: which of them moved a number would take a
    run with each of them restored alone. Data is only restored where the spec names it (``data: [EURUSD H1]``).

    Examples
    --------
    >>> from quantbench.runs.rerunning import rerun_exactly
    >>> rerun_exactly("ma_cross").headline  # doctest: +SKIP
    'ma_cross again: 32 runs, 192 numbers, 192 the same'
    """
    old = old_study(study)
    held, notes = dict[str, str](), list[str]()
    for name, version in old.data.items():
        found = pins_for(name, version)
        if found is None:
            notes.append(
                f"{name}: nothing stored gives the bars the study had (version {version}): that version was pruned or "
                "replaced, or its usual spreads were measured again; today's bars were used, so data may have moved it"
            )
        held.update(found or {})
    if not old.data:
        notes.append("its spec names no data, so which bars it had is not recorded; today's were used")
    with pinned(held):
        planned = again(old, EXACT)
        records = run_again(planned, force=True, workers=workers, engine=engine, progress=progress)
    pairs = paired(old, planned, records)
    table, moved = _compared(pairs)
    unmatched = len(planned.plan.runs) - len(pairs)
    if unmatched:
        notes.append(f"{unmatched:,} runs have nothing to be compared with: they never ended on these data")
    return Exact(study, planned.plan.study, table, (*notes, *moved))


def run_again(planned: Planned, *, force: bool, **asked: Any) -> Mapping[str, RunRecord]:
    """Run a plan as its spec says unless asked otherwise; return the records by what their parameters are."""
    workers, engine = asked["workers"] or planned.running.workers, asked["engine"] or planned.running.engine
    done = run_plan(planned.plan, workers=workers, engine=engine, force=force, progress=asked["progress"])
    return {_name(one.provenance["ingredients"]["parameters"]): one for one in done.records}


def _name(literals: Mapping[str, str]) -> str:
    return repr(sorted(literals.items()))


def paired(old: OldStudy, planned: Planned, records: Mapping[str, RunRecord]) -> list[tuple[RunRecord, RunRecord]]:
    """Return each run that was and is, in the order of the plan."""
    found = []
    for run in planned.plan.runs:
        before = old.came_to(run.parameters)
        now = before and records.get(_name(before.provenance["ingredients"]["parameters"]))
        if before is not None and now is not None:
            found.append((before, now))
    return found


def _compared(pairs: Sequence[tuple[RunRecord, RunRecord]]) -> tuple[pd.DataFrame, list[str]]:
    """Return the table of numbers, and what differs between then and now, with how many runs it concerns."""
    import pandas as pd

    rows, differing, hidden = list[dict[str, Any]](), dict[str, int](), 0
    for before, now in pairs:
        lines = explain_miss(now.provenance["ingredients"], before.provenance["ingredients"])
        for line in lines:
            differing[line] = differing.get(line, 0) + 1
        found = _of_run(before, now, _causes(lines))
        hidden += any(row["because"] == NOT_REPRODUCIBLE for row in found)
        rows += found
    columns = ["run", "again", "number", "before", "now", "same", "because"]
    said = [f"{line} ({many:,} runs)" for line, many in differing.items()]
    if hidden:
        said.append(_not_reproducible(hidden, pairs))
    table = pd.DataFrame(rows, columns=columns)
    return table.astype({"same": bool}), said


def _of_run(before: RunRecord, now: RunRecord, causes: str) -> list[dict[str, Any]]:
    status = "ok" if now.status == "cached" else now.status
    numbers: dict[str, tuple[Any, Any]] = {"status": (before.status, status)}
    if before.status == status == "ok":
        for name in dict.fromkeys((*before.metrics, *now.metrics)):
            numbers[name] = before.metrics.get(name), now.metrics.get(name)
    rows = []
    for name, (was, is_now) in numbers.items():
        same = was == is_now  # a number that could not be computed is None in a record
        because = "" if same else causes or NOT_REPRODUCIBLE
        held = {"run": before.key, "again": now.key, "number": name, "before": was, "now": is_now}
        rows.append({**held, "same": same, "because": because})
    return rows


def _causes(lines: Iterable[str]) -> str:
    found = dict.fromkeys(_CAUSES.get(line.split(":")[0].split(" ")[0], "") for line in lines)
    return " and ".join(sorted(cause for cause in found if cause))


def _not_reproducible(many: int, pairs: Sequence[tuple[RunRecord, RunRecord]]) -> str:
    """Say that numbers moved with nothing to blame, and what is known beside the ingredients."""
    told = {"environment": "other packages", "system": "the kind of machine", "commit": "the commit"}
    differ = [
        said for name, said in told.items() if any(a.provenance.get(name) != b.provenance.get(name) for a, b in pairs)
    ]
    hint = f"; {' and '.join(differ)} differ" if differ else ""
    return (
        f"{many:,} runs are not reproducible: code, data and libraries are as they were and a number moved{hint}; "
        "look for a seed that is not set, the clock, the network, or a file the notebook reads"
    )
