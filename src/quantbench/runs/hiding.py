"""Secrets kept out of runs: refused where a spec or a parameter holds one, taken out of what a run left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from quantbench.config.secrets import leaks, redacted, revealed_in, secret_names, secret_values
from quantbench.core.errors import RunError

__all__ = ["hide_secrets", "refuse_secrets"]

_NOTEBOOK: Final = "notebook.ipynb"
_TOP: Final = ("*.ipynb", "*.json", "*.txt")
_BELOW: Final = ("figures/*", "files/*")


def refuse_secrets(text: str, what: str) -> None:
    """Refuse a text that holds what is, or looks like, a secret.

    Raises
    ------
    RunError
        With the line and the name; never with the secret.
    """
    found = leaks(text, secret_values())
    if found:
        raise RunError(f"{what}: {'; '.join(found)}; put it into .env and refer to it by name: {{secret: NAME}}")


def hide_secrets(folder: Path, parameters: Mapping[str, Any]) -> Callable[[str], str]:
    """Take every known secret out of what a run wrote; return what takes them out of a text.

    Known are those of `secret_values`, those its parameters name and those its cells reveal. Text, figures, tables
    and files are looked through. Compressed files are not opened: a secret in a picture or an archive stays.
    """
    names = set(secret_names(parameters))
    with suppress(OSError):
        names.update(revealed_in((folder / _NOTEBOOK).read_text("utf-8", errors="replace")))
    values = tuple(secret_values(sorted(names)).values())
    if not values:
        return lambda text: text
    for pattern in (*_TOP, *_BELOW):
        for file in folder.glob(pattern):
            with suppress(OSError):
                _hide_in(file, values)
    for file in folder.glob("tables/*.parquet"):
        _hide_in_table(file, values)
    return lambda text: redacted(text, values)


def _hide_in(file: Path, values: Iterable[str]) -> None:
    """Replace secrets in a file; bytes that are no text are kept as they are around them."""
    text = file.read_bytes().decode("utf-8", errors="surrogateescape")
    if (kept := redacted(text, values)) != text:
        file.write_bytes(kept.encode("utf-8", errors="surrogateescape"))


def _hide_in_table(file: Path, values: tuple[str, ...]) -> None:
    import pandas as pd

    def hidden(value: Any) -> Any:
        return redacted(value, values) if isinstance(value, str) else value

    try:
        frame = pd.read_parquet(file)
    except (OSError, ValueError):  # broken: there is nothing to read in it
        return
    texts = [name for name in frame if frame[name].dtype.kind not in "biufmM"]
    kept = frame.copy()
    for name in texts:
        kept[name] = frame[name].map(hidden)
    kept.index = frame.index if frame.index.dtype.kind in "biufmM" else frame.index.map(hidden)
    if not kept.equals(frame):
        kept.to_parquet(file)
