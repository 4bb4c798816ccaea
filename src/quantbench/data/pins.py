"""Versions of data held fast: while a study is run again, `load` takes what it took then, in every process of it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from quantbench.core.errors import DataError

__all__ = ["SAMPLE", "pinned", "pins"]

SAMPLE: Final = "sample"
"""In place of a version: the embedded sample, which data of your own may hide today."""

_PINS: Final = "QUANTBENCH_PINS"


def pins() -> Mapping[str, str]:
    """Return the versions held fast, by stored dataset (``"EURUSD H1"``); none outside of a rerun.

    Raises
    ------
    DataError
        When the variable in the environment says no such thing.
    """
    text = os.environ.get(_PINS)
    if not text:
        return {}
    try:
        found = json.loads(text)
        return {str(name): str(version) for name, version in found.items()}
    except (ValueError, AttributeError) as fault:
        raise DataError(f"{_PINS} must be versions by dataset as JSON, found {text[:60]!r}; unset it") from fault


@contextmanager
def pinned(versions: Mapping[str, str]) -> Iterator[None]:
    """Hold versions fast, here and in processes started meanwhile; the environment carries them."""
    before = os.environ.get(_PINS, "")
    os.environ[_PINS] = json.dumps(dict(versions)) if versions else ""
    try:
        yield
    finally:
        os.environ[_PINS] = before  # emptied, not removed: a warm process only learns what is set
