"""A broker's specifications, dated: kept as JSON, compared with one another, turned into instruments."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from quantbench.config import writable
from quantbench.core.errors import DataError, StoreError
from quantbench.core.instrument import Instrument

__all__ = ["SCHEMA", "Change", "Snapshot", "diff", "read_snapshot", "snapshot", "write_snapshot"]

SCHEMA: Final = 1
"""Version of the layout of a snapshot."""

Specs = Callable[[], Iterable[Mapping[str, Any]]]
"""Gives one mapping a symbol, with the names of `Instrument`; a terminal's adapter, or a fake."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a broker's specifications said at a moment.

    Parameters
    ----------
    broker : str
        Name of the broker or server.
    taken : str
        When, ISO 8601 in UTC.
    server_clock : str
        The clock of the server.
    suffix : str
        What the broker appends to the usual names (``".r"``); empty when nothing.
    instruments : tuple of Instrument
        By symbol, under the broker's names.
    """

    broker: str
    taken: str
    server_clock: str
    suffix: str
    instruments: tuple[Instrument, ...]

    def to_json(self) -> str:
        """Return the snapshot as JSON with a schema."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, ensure_ascii=False, allow_nan=False)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One fact that differs between two snapshots; None where a symbol came or went."""

    symbol: str
    fact: str
    before: Any
    after: Any


def snapshot(specs: Specs, *, broker: str, server_clock: str, now: datetime, suffix: str = "") -> Snapshot:
    """Take a broker's specifications.

    Parameters
    ----------
    specs : callable
        Gives one mapping a symbol.
    broker, server_clock, suffix
        As of `Snapshot`.
    now : datetime
        Aware.

    Raises
    ------
    DataError
        When there are none, one is twice there, or a fact is missing or impossible: none is assumed.
    """
    if now.tzinfo is None:
        raise DataError(f"the time of a snapshot must know its zone, found {now!r}; use datetime.now(UTC)")
    found = [Instrument.from_dict({"server_clock": server_clock, **one}) for one in specs()]
    if not found:
        raise DataError(f"{broker} gave no specifications; select symbols in Market Watch")
    names = [one.symbol for one in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{broker} gave {', '.join(twice)} more than once")
    return Snapshot(
        broker=broker,
        taken=now.astimezone(UTC).isoformat(timespec="seconds"),
        server_clock=server_clock,
        suffix=suffix,
        instruments=tuple(sorted(found, key=_symbol)),
    )


def diff(before: Snapshot, after: Snapshot) -> tuple[Change, ...]:
    """Return every fact that differs, by symbol; prices of trading first come as they are declared.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from quantbench.data.instruments import instrument
    >>> old = Snapshot(broker="A", taken="", server_clock="UTC", suffix="", instruments=(instrument("EURUSD"),))
    >>> new = replace(old, instruments=(replace(instrument("EURUSD"), swap_long_points=-7.0),))
    >>> diff(old, new)
    (Change(symbol='EURUSD', fact='swap_long_points', before=-6.0, after=-7.0),)
    """
    changes = [
        Change(symbol="", fact=name, before=getattr(before, name), after=getattr(after, name))
        for name in ("broker", "server_clock", "suffix")
        if getattr(before, name) != getattr(after, name)
    ]
    old, new = ({one.symbol: one for one in taken.instruments} for taken in (before, after))
    for symbol in sorted(old.keys() | new.keys()):
        if symbol not in old or symbol not in new:
            there = ("there" if symbol in old else None, "there" if symbol in new else None)
            changes.append(Change(symbol=symbol, fact="symbol", before=there[0], after=there[1]))
            continue
        pairs = (
            (part.name, getattr(old[symbol], part.name), getattr(new[symbol], part.name)) for part in fields(Instrument)
        )
        changes += [Change(symbol=symbol, fact=name, before=one, after=two) for name, one, two in pairs if one != two]
    return tuple(changes)


def write_snapshot(taken: Snapshot, file: Path) -> Path:
    """Write a snapshot whole or not at all; return the file.

    Raises
    ------
    StoreError
        When it cannot be written.
    """
    partial = writable(file.absolute().parent) / f".{file.name}.partial"
    try:
        partial.write_text(taken.to_json(), encoding="utf-8")
        partial.replace(file)
    except OSError as fault:
        raise StoreError(f"cannot write {file}: {fault.strerror or fault}; give another file") from fault
    return file


def read_snapshot(file: Path) -> Snapshot:
    """Read a snapshot.

    Raises
    ------
    DataError
        When the file is no snapshot, or of another schema.
    """
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        if values["schema"] != SCHEMA:
            raise DataError(f"{file.name} has schema {values['schema']}, this Quantbench reads {SCHEMA}")
        names = ("broker", "taken", "server_clock", "suffix")
        facts = tuple(Instrument.from_dict(one) for one in values["instruments"])
        return Snapshot(**{name: str(values[name]) for name in names}, instruments=facts)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as fault:
        raise DataError(f"{file.name} is no snapshot of a broker ({type(fault).__name__}: {fault})") from fault


def _symbol(one: Instrument) -> str:
    return one.symbol
