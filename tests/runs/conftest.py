"""Notebooks made for a test, and plans of them."""

import json

import pytest

from quantbench.runs.plan import Plan, PlannedRun, RunLimits

PARAMETERS = (["parameters"], "fast: int = 10\nseed: int = 1")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("QUANTBENCH_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def notebook(home):
    """Write a notebook of code cells, the first of them its parameters, and return its path."""

    def make(name, *sources, parameters=PARAMETERS[1]):
        cells = [(["parameters"], parameters)] if parameters is not None else []
        cells += [([], source) for source in sources]
        held = {
            "cells": [
                {
                    "cell_type": "code",
                    "id": f"c{i}",
                    "execution_count": None,
                    "metadata": {"tags": tags},
                    "outputs": [],
                    "source": source,
                }
                for i, (tags, source) in enumerate(cells)
            ],
            "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
        path = home / f"{name}.ipynb"
        path.write_text(json.dumps(held), encoding="utf-8")
        return path

    return make


@pytest.fixture
def plan_of():
    """Return a plan of notebooks, each with parameters of its own."""

    def make(*runs, study="study", limits=None, required=()):
        planned = tuple(PlannedRun(path, None, parameters, required) for path, parameters in runs)
        return Plan(study, planned, limits or RunLimits())

    return make
