import os
from pathlib import Path
from subprocess import run
from sys import executable

import pytest

from quantbench.config import Settings, settings, writable
from quantbench.core.errors import QuantbenchError, StoreError


@pytest.fixture(autouse=True)
def _clean(monkeypatch, tmp_path):
    monkeypatch.delenv("QUANTBENCH_HOME", raising=False)
    monkeypatch.chdir(tmp_path)


def test_home_is_the_current_folder_when_nothing_says_otherwise(tmp_path):
    assert settings().home == tmp_path


def test_every_folder_lies_below_home(tmp_path):
    found = Settings(tmp_path)
    assert found.reports == tmp_path / "reports"
    assert found.experiments == tmp_path / "experiments"
    assert found.lake == tmp_path / "data" / "lake"
    assert found.ledger == tmp_path / "experiments" / "ledger"


@pytest.mark.parametrize("mark", ["pyproject.toml", "experiments/ledger"])
def test_a_notebook_in_a_subfolder_finds_its_project(tmp_path, monkeypatch, mark):
    if mark.endswith(".toml"):
        (tmp_path / mark).touch()
    else:
        (tmp_path / mark).mkdir(parents=True)
    inner = tmp_path / "notebooks" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    assert settings().home == tmp_path


def test_the_environment_sets_home_and_is_read_anew_each_time(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path / "one"))
    assert settings().home == tmp_path / "one"
    monkeypatch.setenv("QUANTBENCH_HOME", "two")
    assert settings().home == tmp_path / "two"
    monkeypatch.setenv("QUANTBENCH_HOME", "")
    assert settings().home == tmp_path


def test_a_tilde_in_home_is_the_users_folder(monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", "~/lab")
    assert settings().home == Path.home() / "lab"


def test_a_misspelt_setting_is_refused_with_a_hint(monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOEM", "x")
    with pytest.raises(QuantbenchError, match=r"unknown setting QUANTBENCH_HOEM .* did you mean QUANTBENCH_HOME\?"):
        settings()


def test_settings_cannot_be_changed(tmp_path):
    with pytest.raises(AttributeError, match="cannot assign"):
        Settings(tmp_path).home = tmp_path  # type: ignore[misc]


def test_a_missing_folder_is_made_and_left_empty(tmp_path):
    folder = writable(tmp_path / "a" / "b")
    assert folder.is_dir()
    assert not list(folder.iterdir())


@pytest.mark.parametrize("where", ["taken", "taken/inside"])
def test_a_file_in_place_of_a_folder_is_one_clear_sentence(tmp_path, where):
    (tmp_path / "taken").touch()
    with pytest.raises(StoreError, match=r"cannot write to .*taken.*: .*set QUANTBENCH_HOME"):
        writable(tmp_path / where)


def test_a_folder_that_refuses_new_files_is_one_clear_sentence(tmp_path, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("quantbench.config.tempfile.TemporaryFile", refuse)
    with pytest.raises(StoreError, match="Permission denied"):
        writable(tmp_path)


@pytest.mark.parametrize("environment", [{}, {"QUANTBENCH_HOME": "somewhere"}])
def test_where_home_is_takes_no_pydantic_to_say(environment):
    code = (
        "import sys; from quantbench.config import settings; print(settings().home.name);"
        "assert not any(name.startswith('pydantic') for name in sys.modules)"
    )
    others = {name: value for name, value in os.environ.items() if not name.startswith("QUANTBENCH_")}
    ended = run([executable, "-c", code], check=True, capture_output=True, text=True, env=others | environment)
    assert ended.stdout.strip() == environment.get("QUANTBENCH_HOME", ended.stdout.strip())


def test_an_empty_home_is_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUANTBENCH_HOME", "")
    assert settings().home == tmp_path
