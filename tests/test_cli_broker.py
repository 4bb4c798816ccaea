"""`qb broker` and `qb data facts`: contracts asked for, dated, compared, declared, and used at once."""

import json

import pytest
from typer.testing import CliRunner

import quantbench as qb
from quantbench.cli import app
from quantbench.data.instruments import declare, instrument, your_file

TERMINAL = {
    "name": "EURUSD.r",
    "digits": 5,
    "point": 1e-5,
    "trade_contract_size": 100_000.0,
    "volume_min": 0.01,
    "volume_step": 0.01,
    "volume_max": 50.0,
    "currency_base": "EUR",
    "currency_profit": "USD",
    "trade_stops_level": 10,
    "spread": 7,
    "swap_mode": 1,
    "swap_long": -7.5,
    "swap_short": 2.0,
    "swap_rollover3days": 3,
    "bid": 1.08,
}
"""As `symbol_info()._asdict()` gives it; the last name is one Quantbench has no use for."""

COMPLETE = ("digits=2", "point=0.01", "contract_size=1", "volume_min=1", "volume_step=1", "volume_max=10000")
SHARE = (*COMPLETE, "base_currency=USD", "quote_currency=USD", "leverage=5", "calendar=us_equity")


def run(*words):
    return CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "100"})


def sets(words):
    return [part for word in words for part in ("--set", word)]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def taken(home):
    """Take a snapshot of what a terminal says, with what is changed in it, and return its file."""

    def take(name, **changed):
        (home / "symbols.json").write_text(json.dumps([TERMINAL | changed]))
        words = ("--broker", "Demo", "--server-clock", "Europe/Athens", "--set", "leverage=30")
        shown = run("broker", "snapshot", "symbols.json", name, *words)
        assert shown.exit_code == 0, shown.output
        return home / name

    return take


def test_a_snapshot_keeps_a_terminals_words_as_ours(taken):
    found = json.loads(taken("now.json").read_text())["instruments"][0]
    assert (found["symbol"], found["contract_size"], found["quote_currency"]) == ("EURUSD.r", 100_000.0, "USD")
    assert (found["swap_long_points"], found["stops_level_points"], found["leverage"]) == (-7.5, 10, 30.0)
    assert found["swap_multipliers"] == [1, 1, 3, 1, 1, 0, 0]
    assert found["server_clock"] == "Europe/Athens"


@pytest.mark.parametrize(("day", "nights"), [(3, [1, 1, 3, 1, 1, 0, 0]), (5, [1, 1, 1, 1, 3, 0, 0])])
def test_the_day_of_three_nights_counts_from_sunday_in_a_terminal(taken, day, nights):
    found = json.loads(taken("now.json", swap_rollover3days=day).read_text())["instruments"][0]
    assert found["swap_multipliers"] == nights


def test_a_swap_that_is_not_in_points_is_refused_not_taken_as_points(home):
    (home / "symbols.json").write_text(json.dumps([TERMINAL | {"swap_mode": 5}]))
    shown = run("broker", "snapshot", "symbols.json", "now.json", "--broker", "D", "--server-clock", "UTC")
    assert shown.exit_code == 1
    assert "its swap is not counted in points (swap mode 5)" in shown.stderr
    assert not (home / "now.json").exists()


def test_a_fact_no_one_gave_is_asked_for(home):
    (home / "symbols.json").write_text(json.dumps([TERMINAL]))
    shown = run("broker", "snapshot", "symbols.json", "now.json", "--broker", "D", "--server-clock", "UTC")
    assert shown.exit_code == 1
    assert "instrument EURUSD.r lacks leverage: none is assumed" in shown.stderr


def test_a_callable_gives_specifications_as_a_terminal_would(home):
    (home / "terminal.py").write_text(f"def specs():\n    return [{TERMINAL!r}]\n")
    words = ("--broker", "D", "--server-clock", "UTC", "--set", "leverage=30", "--json")
    shown = run("broker", "snapshot", "terminal.py:specs", "now.json", *words)
    assert json.loads(shown.stdout)["instruments"][0]["symbol"] == "EURUSD.r"


def test_a_file_of_facts_and_a_snapshot_are_sources_too(taken, home):
    declare(instrument("XAUUSD"))
    words = ("--broker", "D", "--server-clock", "UTC")
    assert run("broker", "snapshot", your_file(), "gold.json", *words).exit_code == 0
    assert json.loads((home / "gold.json").read_text())["instruments"][0]["symbol"] == "XAUUSD"
    assert run("broker", "snapshot", taken("now.json"), "again.json", *words).exit_code == 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.json", "missing.json cannot be read as specifications"),
        ("missing.py:specs", "there is no Python file missing.py"),
        ("terminal.py:nothing", "terminal.py has no function 'nothing'"),
        ("terminal.py:words", "a specification must be a mapping of facts, found str"),
    ],
)
def test_a_source_that_is_none_is_one_sentence(home, source, message):
    (home / "terminal.py").write_text("def words():\n    return ['EURUSD']\n")
    shown = run("broker", "snapshot", source, "now.json", "--broker", "D", "--server-clock", "UTC")
    assert shown.exit_code == 1
    assert message in shown.stderr


def test_a_difference_is_shown_and_leaves_with_1_none_with_0(taken):
    old, new = taken("old.json"), taken("new.json", swap_long=-9.0)
    shown = run("broker", "diff", old, new)
    assert shown.exit_code == 1
    assert "1 changes" in shown.stdout
    assert "swap_long_points" in shown.stdout
    changes = json.loads(run("broker", "diff", old, new, "--json").stdout)["changes"]
    assert changes == [{"symbol": "EURUSD.r", "fact": "swap_long_points", "before": -7.5, "after": -9.0}]
    same = run("broker", "diff", old, old)
    assert same.exit_code == 0
    assert "the same" in same.stdout


def test_an_unknown_symbol_is_imported_once_its_facts_are_declared(home):
    rows = qb.load("SP500", "D1", "2017-03", "2017-04").frame.reset_index()
    rows["time"] = rows["time"].dt.strftime("%Y-%m-%d")
    rows.rename(columns=str.title).drop(columns="Spread").to_csv(home / "ACME_D1.csv", index=False)
    refused = run("data", "add", "ACME_D1.csv", "--clock", "UTC")
    assert refused.exit_code == 1
    assert "no contract facts are declared for 'ACME': declare them" in " ".join(refused.stdout.split())
    declared = run("data", "facts", "ACME", *sets(SHARE))
    assert declared.exit_code == 0, declared.output
    assert "ACME is declared in" in declared.stdout
    added = run("data", "add", "ACME_D1.csv", "--clock", "UTC")
    assert added.exit_code == 0, added.output
    assert qb.load("ACME", "D1").instrument.leverage == 5


def test_facts_that_are_not_complete_are_not_written(home):
    shown = run("data", "facts", "ACME", *sets(COMPLETE))
    assert shown.exit_code == 1
    assert "instrument ACME lacks base_currency, quote_currency, leverage: none is assumed" in shown.stderr
    assert not your_file().exists()


def test_facts_are_taken_from_a_snapshot_with_others_in_their_place(taken):
    snapshot = taken("now.json")
    shown = run("data", "facts", "EURUSD.r", "--from", snapshot, "--set", "commission_per_lot=3.5", "--json")
    assert json.loads(shown.stdout)["commission_per_lot"] == 3.5
    assert instrument("EURUSD.r").swap_long_points == -7.5
    missing = run("data", "facts", "GBPUSD.r", "--from", snapshot)
    assert "now.json has no 'GBPUSD.r': did you mean EURUSD.r?" in missing.stderr


def test_facts_of_yours_go_before_those_that_come_along_and_are_read_again_when_changed():
    assert instrument("EURUSD").leverage == 30
    run("data", "facts", "EURUSD", "--set", "leverage=100")
    assert qb.load("EURUSD", "H1").instrument.leverage == 100
    run("data", "facts", "EURUSD", "--set", "leverage=200", "--set", 'swap_schedule=[["2017-01-01", -5, 1.5]]')
    assert instrument("EURUSD").leverage == 200
    assert instrument("EURUSD").swap_schedule == (("2017-01-01", -5.0, 1.5),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("schema = ", "is no file of contract facts"),
        ("schema = 2", "has schema 2, this Quantbench reads 1"),
        ("schema = 1", "must hold tables such as"),
        ("schema = 1\n[instruments.X]\ndigits = 2", "instrument X lacks point"),
    ],
)
def test_a_broken_file_of_yours_is_one_sentence(home, text, message):
    your_file().parent.mkdir()
    your_file().write_text(text)
    shown = run("data", "facts", "EURUSD")
    assert shown.exit_code == 1
    assert message in shown.stderr
