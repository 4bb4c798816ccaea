"""What a notebook records, and reads back."""

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quantbench import record
from quantbench.core.errors import RunError, StoreError
from quantbench.runs.recording import RUN, RUN_FOLDER, recorded, run_folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(RUN, str(tmp_path / "run"))
    return tmp_path / "run"


def test_everything_recorded_is_read_back(folder):
    frame = pd.DataFrame({"a": [1.5, 2.5]}, index=pd.date_range("2017", periods=2, tz="UTC", name="time"))
    record(
        metric={"sharpe": 1.5, "trades": 7, "good": True},
        figure={"equity": go.Figure(go.Scatter(y=[1, 2]))},
        table={"curve": frame, "flat": frame["a"], "polars": pl.DataFrame({"a": [1]})},
        artifact={"note.txt": "words", "raw.bin": b"\0", "copy.ipynb": Path("notebooks/quickstart.ipynb").resolve()},
    )
    found = recorded(folder)
    assert found.metrics == {"sharpe": 1.5, "trades": 7, "good": True}
    assert json.loads(found.figures["equity"].read_text())["data"][0]["type"] == "scatter"
    pd.testing.assert_frame_equal(pd.read_parquet(found.tables["curve"]), frame, check_freq=False)
    assert pd.read_parquet(found.tables["flat"])["a"].tolist() == [1.5, 2.5]
    assert found.files["note.txt"].read_text() == "words"
    assert found.files["raw.bin"].read_bytes() == b"\0"
    assert set(found.tables) == {"curve", "flat", "polars"}
    assert set(found.files) == {"note.txt", "raw.bin", "copy.ipynb"}


def test_recording_again_adds_and_replaces(folder):
    record(metric={"a": 1, "b": 2})
    record(metric={"b": 3})
    assert recorded(folder).metrics == {"a": 1, "b": 3}


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.floats() | st.integers() | st.booleans()))
def test_every_number_is_read_back_exactly(tmp_path_factory, numbers):
    folder = tmp_path_factory.mktemp("run")
    mark = RUN_FOLDER.set(folder)
    try:
        record(metric=numbers)
    finally:
        RUN_FOLDER.reset(mark)
    assert repr(dict(recorded(folder).metrics)) == repr(numbers)
    if numbers:
        json.loads((folder / "metrics.json").read_text(), parse_constant=pytest.fail)


def test_numbers_of_numpy_and_metrics_of_a_result_are_numbers(folder):
    record(metric=pd.Series({"a": np.float64(1.5), "b": np.nan}))
    record(metric={"c": np.int64(3), "d": np.bool_(True), "e": None})
    found = recorded(folder).metrics
    assert (found["a"], found["c"], found["d"]) == (1.5, 3, True)
    assert math.isnan(found["b"])
    assert math.isnan(found["e"])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "nothing to record"),
        ({"metric": {"a": "high"}}, "metric 'a' must be a number, found 'high' .str.; a table takes text"),
        ({"metric": {"a": 1j}}, "must be a number"),
        ({"metric": {"a": [1]}}, "must be a number"),
        ({"metric": 1.5}, "metric= takes values by name"),
        ({"metric": {3: 1.5}}, "cannot be a file name"),
        ({"figure": {"a": 1}}, "must be one of plotly, found builtins.int"),
        ({"table": {"a": [1]}}, "must be a DataFrame or a Series, found list"),
        ({"table": {"a": pd.DataFrame({"a": [1, "x"]})}}, "table 'a' cannot be kept"),
        ({"table": {"../a": pd.DataFrame()}}, "cannot be a file name"),
        ({"artifact": {"..": "a"}}, "cannot be a file name"),
        ({"artifact": {"/etc/x": "a"}}, "cannot be a file name"),
        ({"artifact": {"a": 3}}, "must be a Path, text or bytes"),
        ({"artifact": {"a": Path("no/such")}}, "there is no file"),
    ],
)
def test_what_cannot_be_kept_is_refused(folder, given, message):
    with pytest.raises(RunError, match=message):
        record(**given)


def test_a_broken_file_of_metrics_is_an_error_not_nothing(folder):
    folder.mkdir()
    (folder / "metrics.json").write_text("{")
    with pytest.raises(StoreError, match=r"metrics.json is broken"):
        recorded(folder)


def test_a_notebook_that_deleted_its_folder_can_still_record(folder):
    record(metric={"a": 1})
    (folder / "metrics.json").unlink()
    folder.rmdir()
    assert recorded(record(metric={"b": 1})).metrics == {"b": 1}


def test_without_a_run_a_session_has_one_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    monkeypatch.delenv(RUN, raising=False)
    assert run_folder() == run_folder()
    assert run_folder().parent == tmp_path / "experiments" / "runs" / "interactive"


def test_no_half_written_file_is_left(folder):
    with pytest.raises(RunError):
        record(metric={"a": 1}, table={"a": pd.DataFrame({"a": [1, "x"]})})
    assert not list(folder.rglob("*.part"))
