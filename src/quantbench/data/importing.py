"""Import one file: read, put on UTC, checked, repaired where asked, stored in the lake, or refused with a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from quantbench.core.clock import as_ns
from quantbench.core.errors import DataError, did_you_mean
from quantbench.core.instrument import Instrument
from quantbench.data import lake
from quantbench.data.checks import NAMES, Report, check
from quantbench.data.clock_conversion import declared
from quantbench.data.from_raw import Wanted, bars_of
from quantbench.data.instruments import instrument
from quantbench.data.manifest import Dataset, Origin, Version
from quantbench.data.raw import Raw
from quantbench.data.readers import read
from quantbench.data.repairs import REPAIRS, Repair, repair
from quantbench.data.source_clock import ClockEvidence, detect

__all__ = ["Imported", "add", "store_raw"]

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Imported:
    """What became of one file.

    Parameters
    ----------
    source : str
        Name of the file, or what it was read from.
    read_as : str
        Name of the format.
    clock : ClockEvidence
        The clock of the source, how sure that is, and why.
    notes : tuple of str
        What was inferred, scaled, converted or left out.
    found : Report
        What the checks found before any repair.
    repairs : tuple of Repair
        What was repaired, as asked.
    version : Version
        The dataset as it is now.
    rows : int
        How many bars of the file are in it.
    """

    source: str
    read_as: str
    clock: ClockEvidence
    notes: tuple[str, ...]
    found: Report
    repairs: tuple[Repair, ...]
    version: Version
    rows: int

    def __repr__(self) -> str:
        """Return one line: what went where."""
        return f"Imported({self.source}, {self.version.symbol} {self.version.timeframe}, {self.rows:,} bars)"


def add(
    path: str | Path,
    *,
    symbol: str | None = None,
    timeframe: str | None = None,
    clock: str | None = None,
    mapping: Mapping[str, str | int] | None = None,
    accept: Iterable[str] = (),
    repairs: Iterable[str] = (),
    day: str | None = None,
    start: datetime | None = None,
    licence: str = "",
    mode: Literal["append", "replace"] = "append",
    into: Path | None = None,
    say: Say | None = None,
    now: datetime,
) -> Imported:
    """Import one file of bars or ticks into the lake, or refuse it with one sentence.

    Parameters
    ----------
    path : str or Path
        The file: plain, .gz or .zip; its format is found by content.
    symbol, timeframe : str, optional
        What it holds, where the file does not say. Ticks become M1, or the timeframe named.
    clock : str, optional
        The clock its times are on (``"UTC"``, ``"Europe/Athens"``, ``"America/New_York+7"``), or clocks one
        after the other (``"UTC until 2017-09-22 then America/New_York"``); by default what the format
        fixes or the rows show, with the evidence in the result.
    mapping : mapping, optional
        Our column names to the file's, as `readers.read` takes it.
    accept : iterable of str
        Findings of severity error to take as they are.
    repairs : iterable of str
        Repairs to make before storing, in this order (`repairs.REPAIRS`).
    day : str, optional
        The server clock whose midnight begins a day, for ticks made longer than M1.
    start : datetime, optional
        What times count from, for formats that say it only in a path that is lost.
    licence : str
        Under which the file may be used; recorded.
    mode : {"append", "replace"}
        Whether bars already stored must stay (and agree), or give way over the range of the new ones.
    into : Path, optional
        The lake; by default that of the settings.
    say : callable, optional
        Gets each sentence (format, clock, evidence) as soon as it is known.
    now : datetime
        Aware. A bar that is not over by then is left out.

    Returns
    -------
    Imported

    Raises
    ------
    DataError
        When the file cannot be read in full, its clock is not sure, the symbol's facts are not declared,
        or the checks find errors that are not accepted. Nothing is stored then.
    StoreError
        When the lake cannot be written.
    """
    return store_raw(
        read(Path(path), symbol=symbol, timeframe=timeframe, mapping=mapping, start=start),
        source=Path(path).name,
        timeframe=timeframe,
        clock=clock,
        accept=accept,
        repairs=repairs,
        day=day,
        licence=licence,
        mode=mode,
        into=into,
        say=say,
        now=now,
    )


def store_raw(
    raw: Raw,
    *,
    source: str,
    now: datetime,
    timeframe: str | None = None,
    clock: str | None = None,
    accept: Iterable[str] = (),
    repairs: Iterable[str] = (),
    day: str | None = None,
    licence: str = "",
    mode: Literal["append", "replace"] = "append",
    into: Path | None = None,
    say: Say | None = None,
) -> Imported:
    """Import what was read, from a file or a terminal; parameters and errors as of `add`."""
    accepted, wanted, tell = _known(accept, NAMES, "check"), _known(repairs, REPAIRS, "repair"), say or _silent
    facts = _facts(raw)
    tell(f"{source}: {raw!r}")
    found = _clock_of(raw, facts, clock)
    tell(f"clock {found.clock}, " + ("as declared" if clock else f"confidence {found.confidence:.0%}"))
    made = bars_of(raw, facts, found, wanted=Wanted(timeframe=timeframe, day=day, repairs=wanted, now=as_ns(now)))
    raw = replace(raw, frame=raw.frame.clear())  # not held twice while it is checked
    notes = (*raw.notes, *made.notes)
    _tell_all(tell, (*found.evidence, *notes))
    report = check(made.frame, facts, timeframe=made.timeframe)
    bars, done = repair(made.frame, wanted, instrument=facts, timeframe=made.timeframe)
    rest = check(bars, facts, timeframe=made.timeframe) if done else report
    rest.require_accepted(accepted)
    done = (*made.repairs, *done)
    origin = _origin(raw, source, found.clock, licence=licence, repairs=done, accepted=accepted, report=rest)
    store = lake.append if mode == "append" else lake.replace
    version = store(bars, _dataset(facts, made.timeframe, into), origin=origin, now=now)
    told: dict[str, Any] = {"source": source, "read_as": raw.reader, "notes": notes}
    return Imported(clock=found, found=report, repairs=done, version=version, rows=len(bars), **told)


def _dataset(facts: Instrument, timeframe: str, into: Path | None) -> Dataset:
    return Dataset(facts.symbol, timeframe, into) if into else Dataset(facts.symbol, timeframe)


def _tell_all(tell: Say, lines: Iterable[str]) -> None:
    for line in lines:
        tell(f"  {line}")


def _clock_of(raw: Raw, facts: Instrument, clock: str | None) -> ClockEvidence:
    """Return the clock that was declared, else the one that is found."""
    if clock is None:
        return detect(raw, facts)
    return ClockEvidence(declared(clock), 1.0, ("declared, not found: the confidence is yours",))


def _origin(
    raw: Raw,
    source: str,
    clock: str,
    *,
    licence: str,
    repairs: tuple[Repair, ...],
    accepted: tuple[str, ...],
    report: Report,
) -> Origin:
    ticks = raw.kind == "ticks"
    return Origin(
        source=source,
        clock=clock,
        licence=licence,
        side="bid" if ticks else raw.side,
        spread_of="open" if ticks else raw.spread_of,
        repairs=tuple(one.to_dict() for one in repairs),
        accepted=accepted,
        findings=tuple(one.to_dict(rows=False) for one in report.findings),
    )


def _silent(_: str) -> None:
    """Say nothing."""


def _known(names: Iterable[str], known: Iterable[str], what: str) -> tuple[str, ...]:
    """Return the names, all of them known."""
    given = tuple(names)
    for name in given:
        if name not in known:
            raise DataError(f"there is no {what} {name!r}: {did_you_mean(name, known)}")
    return given


def _facts(raw: Raw) -> Instrument:
    """Return the facts of the symbol, and refuse what Quantbench's bars cannot be."""
    if raw.symbol is None:
        raise DataError(f"{raw.reader}: neither the file nor its name says which symbol it holds; name it: symbol=")
    if raw.side == "ask":
        raise DataError(
            f"{raw.symbol}: these bars are of the ask; bars are bid here and fills add the spread: import the bid side"
        )
    if not len(raw):
        raise DataError(f"{raw.symbol}: the file holds no rows; nothing to import")
    return instrument(raw.symbol)
