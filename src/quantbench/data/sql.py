"""Questions to all stored bars in SQL, answered read-only by DuckDB."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from quantbench.config import settings
from quantbench.core.errors import DataError, MissingExtra, StoreError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["sql"]

_ALLOWED: Final = {"SELECT", "EXPLAIN"}
_EMPTY: Final = """select ''::varchar symbol, ''::varchar timeframe, null::timestamptz as time, 0.0::double as open,
    0.0::double high, 0.0::double low, 0.0::double as close, 0.0::double volume, 0.0::double spread, ''::varchar stored
    where false"""


def sql(query: str) -> pd.DataFrame:
    """Return the answer to one SELECT over the view ``bars``: your lake, and the sample beside it.

    Parameters
    ----------
    query : str
        DuckDB's SQL. ``bars`` has ``symbol, timeframe, time`` (open of the bar, UTC), ``open, high, low,
        close, volume, spread, stored`` (``'lake'`` or ``'sample'``; a dataset of the lake hides that of
        the sample). ``describe bars`` and ``explain select ...`` work too.

    Returns
    -------
    DataFrame
        Times are UTC. Read-only by construction: the query can reach no other file and change none.

    Raises
    ------
    DataError
        When the query is not one SELECT, or DuckDB refuses it.
    StoreError
        When a file is broken.
    MissingExtra
        When duckdb is not installed.

    Examples
    --------
    >>> from quantbench.data.sql import sql
    >>> answer = sql("select symbol, count(*) as many from bars where timeframe = 'D1' group by all order by all")
    >>> answer["many"].tolist()
    [5031, 5031]
    """
    from quantbench.data.lake import with_retries

    return with_retries(lambda: _answer(query))


def _answer(query: str) -> pd.DataFrame:
    try:
        import duckdb
    except ImportError as missing:
        raise MissingExtra("sql needs duckdb: pip install 'quantbench[lab]'") from missing
    views = _views()
    connection = duckdb.connect()  # of its own, in memory
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"create view bars as {views[0]}")
        files = views[1]
        for name, found in (("ledger", _ledger_files()), ("runs", _index_files())):
            if found:
                connection.execute(f"create view {name} as select * from read_parquet({_quoted(found)})")  # noqa: S608
                files = files + found
        connection.execute(f"set allowed_paths = {_quoted(files)}")
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        _require_select(connection.extract_statements(query))
        return _in_pandas(connection.execute(query))
    except duckdb.IOException as fault:
        if "No such file" in str(fault):  # a writer renamed it meanwhile
            raise FileNotFoundError(str(fault)) from fault
        raise StoreError(f"a stored file is broken: {_sentence(fault)}; add the data again") from fault
    except duckdb.Error as fault:
        raise DataError(f"the query fails: {_sentence(fault)}") from fault
    finally:
        connection.close()


def _ledger_files() -> list[Path]:
    """Return the parts of the trial ledger."""
    return sorted(settings().ledger.glob("*.parquet"))


def _index_files() -> list[Path]:
    """Return the index of all runs, which every batch writes anew; none before the first."""
    index = settings().experiments / "runs" / "index.parquet"
    return [index] if index.exists() else []


def _require_select(statements: list[Any]) -> None:
    found = [statement.type.name for statement in statements]
    if len(found) != 1 or found[0] not in _ALLOWED:
        what = ", ".join(found) if found else "nothing"
        raise DataError(f"sql answers one SELECT, found {what}; it changes nothing, use `qb data` for that")


def _views() -> tuple[str, list[Path]]:
    """Return the view over all current files, and the files."""
    from quantbench.data.lake import datasets
    from quantbench.data.manifest import Dataset
    from quantbench.data.parts import files_of
    from quantbench.data.store import sample_files

    selects, files, known = [_EMPTY], [], set()
    for version in datasets():
        known.add((version.symbol, version.timeframe))
        found = files_of(Dataset(version.symbol, version.timeframe, settings().lake), version.parts)
        selects.append(_select(version.symbol, version.timeframe, found, "lake"))
        files += found
    for (symbol, timeframe), file in sorted(sample_files().items()):
        if (symbol, timeframe) not in known:
            selects.append(_select(symbol, timeframe, [file], "sample"))
            files.append(file)
    return " union all ".join(f"({select})" for select in selects), files


def _select(symbol: str, timeframe: str, files: list[Path], stored: str) -> str:
    return (
        f"select {_text(symbol)} as symbol, {_text(timeframe)} as timeframe, time::timestamptz as time, open, "  # noqa: S608
        f"high, low, close, volume, spread, {_text(stored)} as stored "
        f"from read_parquet({_quoted(files)}, hive_partitioning = false)"
    )


def _quoted(files: list[Path]) -> str:
    return f"[{', '.join(_text(str(file)) for file in files)}]"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _in_pandas(answer: Any) -> pd.DataFrame:
    with warnings.catch_warnings():  # DuckDB's own conversion uses what pandas deprecates
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        frame: pd.DataFrame = answer.df()
    return frame


def _sentence(fault: Exception) -> str:
    return str(fault).splitlines()[0].strip()
