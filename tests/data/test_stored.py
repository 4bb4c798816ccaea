"""Bars written out: whole, or not at all."""

import resource

import pytest

import quantbench as qb
from quantbench.core.errors import DataError, StoreError
from quantbench.data.stored import export_bars


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_full_disk_is_said_in_a_sentence_and_leaves_no_file(tmp_path, ending):
    bars, file = qb.load("EURUSD", "H1"), tmp_path / f"bars.{ending}"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    try:
        with pytest.raises(StoreError, match=rf"cannot write .*bars\.{ending}: .*File too large.*; give another file"):
            export_bars(bars, file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_every_bar_is_written(tmp_path, ending):
    bars, file = qb.load("EURUSD", "D1"), tmp_path / f"bars.{ending}"
    assert export_bars(bars, file) == len(bars)
    assert [one.name for one in tmp_path.iterdir()] == [file.name]


def test_another_ending_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"bars\.xlsx must end in \.csv or \.parquet"):
        export_bars(qb.load("EURUSD", "D1"), tmp_path / "bars.xlsx")
    assert not list(tmp_path.iterdir())
