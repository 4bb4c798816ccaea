import json
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b

import numpy as np
import polars as pl
import pytest

import quantbench as qb
from quantbench.core.errors import StoreError
from quantbench.data import parquet
from quantbench.data.ledger import append_study, count_distinct, read_ledger
from quantbench.data.trial_key import TrialKey, canonical, canonical_each, trial_key

PAIRS = [(5, 40), (10, 40), (15, 60)]


@pytest.fixture
def append(make_study, now, tmp_path):
    def one(pairs=PAIRS, **made):
        return append_study(make_study(pairs, **made), kind="sweep", now=now, folder=tmp_path)

    return one


def test_every_trial_is_a_row_the_failed_one_too(append, tmp_path, now, bars):
    append(failed=(1,))
    table = read_ledger(tmp_path)
    assert [json.loads(text)["fast"] for text in table.params] == [5, 10, 15]
    assert list(table.trial) == [0, 1, 2]
    assert list(table.failure) == ["", "it raised", ""]
    assert np.isnan(table.sharpe[1])
    assert table.sharpe[2] == table.score_value[2] == 2.5
    row = table.iloc[0]
    assert (row.schema, row.kind, row.family, row.symbol, row.timeframe) == (1, "sweep", "MaCross", "EURUSD", "H1")
    assert (row.data_version, row.score, row.engine) == (bars.version, "sharpe", "kernel")
    assert row.time_utc.to_pydatetime() == now
    assert row.first_bar.to_datetime64() == bars.time[0]
    assert row.last_bar.to_datetime64() == bars.time[-1]


def test_an_empty_ledger_has_its_columns_and_counts_nothing(tmp_path):
    assert list(read_ledger(tmp_path / "missing").columns[:3]) == ["schema", "time_utc", "writer"]
    assert count_distinct(folder=tmp_path) == 0


def test_each_append_is_a_part_of_its_own(append, tmp_path):
    first, second = append(), append()
    assert first != second
    assert sorted(tmp_path.iterdir()) == sorted([first, second])
    assert len(read_ledger(tmp_path)) == 6


def test_the_same_trial_counts_once_however_often_it_ran(append, tmp_path):
    append()
    append(PAIRS[:2])
    append([(20, 80)], failed=(0,))
    assert count_distinct(folder=tmp_path) == 4


def test_trials_are_counted_by_family_and_by_data(append, tmp_path, bars):
    append()
    assert count_distinct(family="MaCross", folder=tmp_path) == 3
    assert count_distinct(family="Other", folder=tmp_path) == 0
    assert count_distinct(data_version=bars.version, folder=tmp_path) == 3
    assert count_distinct(data_version="other", folder=tmp_path) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"costs": qb.Costs(slippage_points=3)},
        {"sizing": qb.FixedLots(0.1)},
        {"limits": qb.Limits(cooldown="2h")},
        {"strategy": qb.RsiReversion},
        {"bars": qb.load("EURUSD", "H1", "2017-03", "2017-03-20")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_trial_that_differs_in_anything_of_its_key_is_another(make_study, now, tmp_path, change):
    study = make_study([(5, 40)])
    append_study(study, kind="sweep", now=now, folder=tmp_path)
    append_study(replace(study, **change), kind="sweep", now=now, folder=tmp_path)
    assert count_distinct(folder=tmp_path) == 2


def test_a_search_repeated_has_the_same_study_and_another_search_another(append, tmp_path):
    append()
    append()
    append(PAIRS[:2])
    assert sorted(read_ledger(tmp_path).study.value_counts()) == [2, 6]


def test_the_oldest_part_comes_first(make_study, tmp_path):
    for second in (3, 1, 2):
        moment = datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)
        append_study(make_study([(second, 40)]), kind="sweep", now=moment, folder=tmp_path)
    assert [json.loads(text)["fast"] for text in read_ledger(tmp_path).params] == [1, 2, 3]


def test_the_key_of_a_choice_is_the_row_of_its_trial(append, tmp_path, bars):
    append(limits=qb.Limits(sessions="08:00-20:00"))
    key = trial_key(
        qb.MaCross(10, 40, 3.0),
        bars,
        costs=qb.Costs(),
        sizing=qb.PercentEquity(1.0),
        limits=qb.Limits(sessions="08:00-20:00"),
    )
    table = read_ledger(tmp_path)
    assert tuple(table.loc[1, list(TrialKey._fields)]) == key
    assert key.limits


def test_equal_values_are_equal_text():
    assert canonical({"b": 3.0, "a": np.float64(0.1)}) == canonical({"a": 0.1, "b": np.int64(3)}) == '{"a":0.1,"b":3}'
    assert canonical(qb.PercentEquity(1)) == canonical(qb.PercentEquity(1.0)) != canonical(qb.FixedLots(1.0))
    assert canonical({"a": True}) != canonical({"a": 1})
    assert canonical(qb.Limits(cooldown="120min")) == canonical(qb.Limits(cooldown="2h"))


def test_choices_put_in_words_together_read_as_each_alone():
    values = (1, 1.0, True, 0.1, np.float64(1.0), np.int64(1), "1", 'say "1"', None, float("nan"), -0.0, (1,), (True,))
    choices = [{"b": b, "a": a} for a in values for b in values]
    assert canonical_each(choices) == [canonical(choice) for choice in choices]


def test_a_ledger_without_a_folder_lies_in_the_home_of_the_settings(make_study, now, tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    part = append_study(make_study(PAIRS), kind="sweep", now=now)
    assert part.parent == tmp_path / "experiments" / "ledger"
    assert len(read_ledger()) == 3
    assert count_distinct() == 3


def test_a_naive_time_is_refused(make_study, tmp_path):
    with pytest.raises(StoreError, match="must know its zone"):
        append_study(make_study(PAIRS), kind="sweep", now=datetime(2026, 1, 1), folder=tmp_path)  # noqa: DTZ001
    assert not list(tmp_path.iterdir())


def test_a_study_without_trials_appends_no_rows(append, tmp_path):
    append([])
    assert len(read_ledger(tmp_path)) == 0


def _cut(whole):
    return whole[: len(whole) // 2]


def _flipped(whole):
    return whole[:-200] + bytes(byte ^ 0xFF for byte in whole[-200:-50]) + whole[-50:]


@pytest.mark.parametrize("broken", [_cut, _flipped, lambda _: b"", lambda _: b"PAR1PAR1", lambda _: b"x" * 5_000])
def test_a_broken_part_is_left_out_and_named_and_the_rest_survives(append, tmp_path, broken, capfd):
    append()
    bad = append(PAIRS[:1])
    bad.write_bytes(broken(bad.read_bytes()))
    with pytest.warns(UserWarning, match=rf"not counted \(1\): {bad.name}"):
        table = read_ledger(tmp_path)
    assert len(table) == 3
    assert [bad.name in text for text in table.attrs["broken"]] == [True]
    with pytest.warns(UserWarning, match=bad.name):
        assert count_distinct(folder=tmp_path) == 3


def test_a_part_of_a_later_schema_is_named_not_misread(append, tmp_path):
    part = append()
    pl.read_parquet(part).with_columns(schema=pl.lit(2, pl.Int32)).write_parquet(part)
    with pytest.warns(UserWarning, match="its schema is 2, this Quantbench reads 1"):
        assert len(read_ledger(tmp_path)) == 0


def test_a_parquet_file_that_is_no_part_is_named(append, tmp_path):
    append()
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "alien.parquet")
    with pytest.warns(UserWarning, match=r"alien\.parquet"):
        assert len(read_ledger(tmp_path)) == 3


def test_what_a_killed_writer_left_behind_is_not_read(append, tmp_path):
    part = append()
    (tmp_path / f".{part.name}.tmp").write_bytes(_cut(part.read_bytes()))
    table = read_ledger(tmp_path)
    assert len(table) == 3
    assert table.attrs["broken"] == []


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_nothing_and_the_ledger_as_it_was(append, tmp_path, monkeypatch, fault):
    append()

    def fail(_):
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(parquet.os, "fsync", fail)
        expected = KeyboardInterrupt if isinstance(fault, KeyboardInterrupt) else StoreError
        with pytest.raises(expected, match=None if expected is KeyboardInterrupt else "No space left on device"):
            append()
    assert len(list(tmp_path.iterdir())) == 1
    assert len(read_ledger(tmp_path)) == 3


def test_a_file_in_place_of_the_ledger_is_one_clear_sentence(make_study, now, tmp_path):
    (tmp_path / "ledger").touch()
    with pytest.raises(StoreError, match=r"cannot write to .*ledger.*QUANTBENCH_HOME"):
        append_study(make_study(PAIRS), kind="sweep", now=now, folder=tmp_path / "ledger")


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
import numpy as np
import quantbench as qb
from quantbench.data.ledger import append_study

first = int(sys.argv[2])
bars = qb.load("EURUSD", "H1", "2017-03-01", "2017-03-10")
print("ready", flush=True)
sys.stdin.readline()
for n in range(first, first + 20):
    study = qb.Study(strategy=qb.MaCross, bars=bars, account=qb.Account(), costs=qb.Costs(), limits=qb.Limits(),
                     sizing=qb.PercentEquity(1.0), params=({"fast": n, "slow": 1_000, "stop_atr": 3.0},),
                     values={"sharpe": np.ones(1)}, failures=(None,), daily=np.zeros((1, 1), np.float32))
    append_study(study, kind="sweep", now=datetime(2026, 1, 1, tzinfo=UTC), folder=Path(sys.argv[1]))
"""


def test_two_writers_at_once_both_survive(tmp_path):
    with ExitStack() as stack:
        writers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WRITER, str(tmp_path), str(first)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )
            for first in (0, 20)
        ]
        assert [writer.stdout.readline() for writer in writers] == ["ready\n"] * 2
        for writer in writers:  # both are up: now they write side by side
            writer.stdin.write("go\n")
            writer.stdin.flush()
        faults = [writer.communicate(timeout=60)[1] for writer in writers]
    assert faults == ["", ""]
    table = read_ledger(tmp_path)
    assert sorted(json.loads(text)["fast"] for text in table.params) == list(range(40))
    assert table.writer.nunique() == 2
    assert count_distinct(folder=tmp_path) == 40


def test_ten_thousand_trials_are_one_small_part(append, tmp_path):
    part = append([(n, n + 10_000) for n in range(10_000)])
    assert part.stat().st_size < 1_000_000
    assert count_distinct(folder=tmp_path) == 10_000


def test_the_version_of_the_data_covers_more_than_prices(bars):
    """The key trusts `Bars.version`; were it blind to the contract, other swaps would be the same trial."""
    other = replace(bars, instrument=replace(bars.instrument, swap_long_points=0.0))
    assert other.version != bars.version
    assert len(bars.version) == blake2b(digest_size=8).digest_size * 2


def test_times_of_trials_are_stored_in_utc(make_study, tmp_path):
    moment = datetime.fromisoformat("2026-01-01T02:00+02:00")
    part = append_study(make_study(PAIRS), kind="sweep", now=moment, folder=tmp_path)
    assert part.name.startswith("20260101T000000000000Z-")
    assert read_ledger(tmp_path).time_utc[0].to_pydatetime() == datetime(2026, 1, 1, tzinfo=UTC)
