"""`qb`: what a person and a machine get from each command, and the exit codes."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from quantbench import __version__
from quantbench.cli import app

HEAVY = ("duckdb", "joblib", "numba", "numpy", "pandas", "papermill", "plotly", "polars", "rich", "sklearn", "vectorbt")
MARCH = ("EURUSD", "H1", "--from", "2017-03", "--to", "2017-05")


def qb(*words):
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "100"})


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from quantbench.cli import app; app(['--help'], standalone_mode=False);"
        f"print('loaded:', sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "backtest" in shown
    assert shown.splitlines()[-1] == "loaded: []"


def test_every_command_says_what_it_does_in_one_line():
    shown = qb("--help").stdout
    commands = shown.split("Commands:")[1]
    assert [line.split()[0] for line in commands.splitlines() if line.strip()] == [
        "demo",
        "doctor",
        "backtest",
        "sweep",
        "report",
        "search",
        "ledger",
        "walk-forward",
        "monte-carlo",
        "validate",
        "calibrate",
        "run",
        "runs",
        "why",
        "debug",
        "compare",
        "schedule",
        "rerun",
        "evolve",
        "study",
        "cluster",
        "data",
        "broker",
    ]
    assert "..." not in commands


def test_the_version_is_shown():
    assert qb("--version").stdout == f"quantbench {__version__}\n"


def test_a_backtest_starts_with_its_headline():
    found = qb("backtest", "MaCross", *MARCH, "--set", "fast=20")
    assert found.exit_code == 0, found.output
    first, choice, bars, *rest = found.stdout.splitlines()
    assert re.fullmatch(r"\d+ trades, 0\.2 years, net, in-sample, 1 trial", first)
    assert choice == "MaCross(fast=20, slow=100, stop_atr=3.0)"
    assert bars.startswith("EURUSD H1, 1,033 bars, 2017-03-01 to 2017-04-")
    assert any("Sharpe" in line for line in rest)


def test_json_is_one_object_and_nothing_else():
    found = qb(
        "backtest",
        "MaCross",
        *MARCH,
        "--json",
        "--sizing",
        "risk:0.01",
        "--balance",
        "5000",
        "--commission-per-lot",
        "0",
    )
    told = json.loads(found.stdout)
    assert told["schema"] == 1
    assert told["headline"].endswith("in-sample, 1 trial")
    assert told["sizing"] == {"kind": "PercentRisk", "fraction": 0.01}
    assert (told["account"]["balance"], told["costs"]["commission_per_lot"]) == (5000.0, 0.0)
    assert told["bars"]["first"] == "2017-03-01T00:00:00Z"
    assert isinstance(told["metrics"]["sharpe"], float)
    assert found.stderr == ""


def test_both_engines_tell_the_same():
    told = [
        json.loads(qb("backtest", "MaCross", *MARCH, "--json", "--engine", name).stdout)
        for name in ("kernel", "reference")
    ]
    assert told[0].pop("engine") != told[1].pop("engine")
    assert told[0] == told[1]


def test_a_metric_that_cannot_be_computed_is_null_with_its_reason():
    told = json.loads(
        qb("backtest", "MaCross", "EURUSD", "H1", "--from", "2017-03-01", "--to", "2017-03-02", "--json").stdout
    )
    assert told["metrics"]["trades"] == 0
    assert told["metrics"]["win_rate"] is None
    assert told["reasons"]["win_rate"]


def test_trades_go_to_csv(home):
    found = qb("backtest", "MaCross", *MARCH, "--csv", "trades.csv")
    rows = (home / "trades.csv").read_text().splitlines()
    assert found.stdout.startswith(f"{len(rows) - 1} trades")


def test_a_sweep_ranks_and_writes_every_trial(home):
    found = qb(
        "sweep",
        "MaCross",
        *MARCH,
        "--set",
        "fast=5:15:5",
        "--set",
        "slow=40,60",
        "--set",
        "stop_atr=3",
        "--csv",
        "all.csv",
    )
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("6 trials, 0.2 years, net, in-sample\n")
    assert len((home / "all.csv").read_text().splitlines()) == 7


def test_a_walk_forward_shows_its_folds_and_the_number_that_counts(home):
    words = ["walk-forward", "MaCross", *MARCH[:2], "--from", "2017-01", "--to", "2017-05", "--train", "30D"]
    words += ["--test", "20D", "--set", "fast=5,10", "--set", "slow=40,60", "--set", "stop_atr=3"]
    found = qb(*words, "--csv", "folds.csv")
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("3 folds, 12 trials, net, out-of-sample\n")
    assert "t of the stitched daily returns:" in found.stdout
    told = json.loads(qb(*words, "--json").stdout)
    assert len(told["folds"]) == 3
    assert (home / "folds.csv").read_text().count("\n") == 4


def test_a_sweep_as_json_lists_the_best_first(home):
    found = qb(
        "sweep",
        "MaCross",
        *MARCH,
        "--set",
        "fast=5:15:5",
        "--set",
        "slow=40",
        "--set",
        "stop_atr=3",
        "--top",
        "2",
        "--json",
    )
    told = json.loads(found.stdout)
    scores = [trial["metrics"]["sharpe"] for trial in told["top"]]
    assert (told["trials"], len(scores)) == (3, 2)
    assert scores == sorted(scores, reverse=True)
    assert told["space"] == {"fast": [5, 10, 15], "slow": [40], "stop_atr": [3.0]}


def test_a_report_ends_with_its_path_and_three_lines(home):
    found = qb("report", "MaCross", *MARCH[:4], "--until", "2017-05", "--no-sweep", "--to", "here.html")
    assert found.exit_code == 0, found.output
    assert (home / "here.html").read_text("utf-8").startswith("<!doctype html>")
    ending = found.stdout.split("Verdict:\n")[1]
    assert "here.html" in found.stdout
    assert ending.startswith("  MaCross on EURUSD H1")


def test_the_demo_says_what_it_does_and_ends_with_report_and_verdict(home, monkeypatch):
    small = {
        "parameters": "# Parameters\nreport: str = ''",
        "verdict": "# Judge\nprint('made', 'fragile', 'luck' * 40, sep='\\n')",
    }
    small["report"] = "# Write\nprint(report)"
    cells = [nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}) for tag, source in small.items()]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), home / "small.ipynb")
    monkeypatch.setattr("quantbench.runs.demo.quickstart_notebook", lambda: home / "small.ipynb")
    found = qb("demo", "--reports", str(home / "pages"))
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert lines[1:4] == ["  1 of 3  Parameters", "  2 of 3  Judge", "  3 of 3  Write"]
    assert lines[lines.index("Report:") + 1] == str(home / "pages" / "quickstart.html")
    assert lines[lines.index("Verdict:") + 1 :] == ["  made", "  fragile", "  " + "luck" * 40]


def test_data_list_shows_the_sample():
    assert re.search(r"EURUSD\s+H1\s+6,225\s+2017-01-01\s+2017-12-29\s+MIT", qb("data", "list").stdout)
    assert {row["symbol"] for row in json.loads(qb("data", "list", "--json").stdout)["symbols"]} >= {"EURUSD", "BTCUSD"}


def test_the_doctor_finds_nothing_wrong_here(home):
    found = qb("doctor")
    assert found.exit_code == 0, found.output
    assert found.stdout.splitlines()[-1] == "Everything a backtest needs is here."
    told = {finding["name"]: finding["status"] for finding in json.loads(qb("doctor", "--json").stdout)["findings"]}
    assert set(told) == {"Python", "Packages", "Compiled code", "Data", "Folders", "Disk", "Terminal"}
    assert "problem" not in told.values()
    assert not list(home.iterdir())


def test_the_doctor_names_what_is_wrong_and_the_fix(home, monkeypatch):
    (home / "reports").write_text("a file where a folder should be")
    nowhere = home / "quantbench-kernels-of-this-process"
    monkeypatch.setattr("quantbench.config._kernels.kernel_cache", lambda: nowhere)
    found = qb("doctor", "--json")
    told = {finding["name"]: finding for finding in json.loads(found.stdout)["findings"]}
    assert found.exit_code == 1
    assert told["Folders"]["status"] == "problem"
    assert "QUANTBENCH_HOME" in told["Folders"]["fix"]
    assert told["Compiled code"]["fix"] == "set NUMBA_CACHE_DIR to a folder you may write to"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["backtest", "MaCros", "EURUSD", "H1"], r"unknown strategy 'MaCros': did you mean MaCross\?"),
        (["backtest", "MaCross", "EURSUD", "H1"], r"no bars of 'EURSUD' are stored: did you mean EURUSD\?"),
        (["backtest", "MaCross", "EURUSD", "H1", "--set", "fats=2"], r"no param 'fats': did you mean fast\?"),
        (["backtest", "MaCross", "EURUSD", "H1", "--set", "fast=200"], "fast must be shorter than slow"),
        (
            ["backtest", "MaCross", "EURUSD", "H1", "--engine", "karnel"],
            r"unknown engine 'karnel': did you mean kernel\?",
        ),
        (["backtest", "MaCross", "EURUSD", "H1", "--from", "soon"], "start must be a UTC time"),
        (["sweep", "MaCross", "EURUSD", "H1", "--score", "sharp"], r"did you mean sharpe\?"),
    ],
)
def test_an_error_is_one_sentence_on_standard_error(words, sentence):
    found = qb(*words)
    assert found.exit_code == 1
    assert found.stdout == ""
    assert re.match(rf"Error: .*{sentence}", found.stderr)
    assert "Traceback" not in found.output


def test_a_csv_that_cannot_be_written_is_an_error(home):
    found = qb("backtest", "MaCross", *MARCH, "--csv", "nowhere/trades.csv")
    assert found.exit_code == 1
    assert re.match("Error: cannot write .*trades.csv: No such file or directory", found.stderr)


@pytest.mark.parametrize(
    "words",
    [
        ["backtest", "MaCross"],
        ["backtest", "MaCross", "EURUSD", "H1", "--set", "fast"],
        ["backtest", "MaCross", "EURUSD", "H1", "--set", "fast=1", "--set", "fast=2"],
        ["backtest", "MaCross", "EURUSD", "H1", "--nonsense"],
        ["nonsense"],
    ],
)
def test_wrong_usage_exits_with_two(words):
    found = qb(*words)
    assert found.exit_code == 2
    assert "Error" in found.stderr


def test_a_traceback_only_with_debug():
    words = [sys.executable, "-m", "quantbench", "--debug", "backtest", "MaCros", "EURUSD", "H1"]
    found = subprocess.run(words, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert "Traceback" in found.stderr
    assert found.stderr.splitlines()[-1].startswith("Error: unknown strategy 'MaCros'")


def test_a_surprise_is_still_one_sentence(monkeypatch):
    def explode(*_, **__):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("quantbench.data.store.load", explode)
    found = qb("backtest", "MaCross", "EURUSD", "H1")
    assert found.exit_code == 1
    assert (
        found.stderr
        == "Error: unexpected ZeroDivisionError: division by zero; `qb --debug ...` shows where, please report it\n"
    )


@pytest.mark.parametrize(
    ("missing", "sentence"), [("polars", r'pip install "quantbench\[lab\]"'), ("nowhere", "unexpected")]
)
def test_a_missing_extra_is_named(monkeypatch, missing, sentence):
    def absent(*_, **__):
        raise ModuleNotFoundError(f"No module named {missing!r}", name=missing)

    monkeypatch.setattr("quantbench.data.store.load", absent)
    assert re.search(sentence, qb("backtest", "MaCross", "EURUSD", "H1").stderr)


def test_ctrl_c_is_a_sentence_and_130(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("quantbench.data.store.load", interrupted)
    found = qb("backtest", "MaCross", "EURUSD", "H1")
    assert found.exit_code == 130
    assert "Stopped by Ctrl-C" in found.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child on Windows")
def test_ctrl_c_in_the_demo_leaves_no_file_and_no_kernel(home):
    words = [sys.executable, "-u", "-m", "quantbench", "demo"]
    child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    for line in child.stdout:
        if "Load" in line:  # the kernel is up and at work
            break
    child.send_signal(signal.SIGINT)
    _, told = child.communicate(timeout=60)
    assert (child.returncode, told.strip().splitlines()[-1][:17]) == (130, "Stopped by Ctrl-C")
    assert not [file for file in home.rglob("*") if file.is_file()]
    for _ in range(50):
        if not _alive(home):
            return
        time.sleep(0.1)
    pytest.fail("the kernel outlived the demo")


def _alive(home):
    """Processes that were started with this home."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile, or belongs to somebody else
            mine = f"QUANTBENCH_HOME={home}".encode() in (process / "environ").read_bytes()
            found += [process] * (mine and process.name != str(os.getpid()))
    return found
