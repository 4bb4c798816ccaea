"""The one way a page leaves for a reader: without a secret in it, and whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Final

from quantbench.config import writable
from quantbench.config.secrets import leaks, secret_values
from quantbench.core.errors import StoreError

__all__ = ["publish"]

_MOST: Final = 3


def publish(file: Path, text: str) -> Path:
    """Write the text beside the file, then put it in its place: nobody ever sees half a page.

    Raises
    ------
    StoreError
        When the text holds what is or looks like a secret, or the folder cannot be made or written to; an older page
        is then untouched.
    """
    found = leaks(text, secret_values())
    if found:
        raise StoreError(
            f"the page {file} was not written: {'; '.join(found[:_MOST])}{'; ...' if len(found) > _MOST else ''}; "
            "take it out of what the page shows: params, names, titles, figures"
        )
    folder = writable(file.parent)
    try:
        half = Path(tempfile.mkdtemp(prefix=".report-", dir=folder)) / file.name
        try:
            half.write_text(text, encoding="utf-8", newline="\n")
            half.replace(file)
        finally:
            shutil.rmtree(half.parent)
    except OSError as fault:
        why = fault.strerror or type(fault).__name__
        raise StoreError(f"cannot write the report {file}: {why}; free the name or give another with to=") from fault
    return file
