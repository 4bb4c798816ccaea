"""Secrets by name only: revealed where they are used, taken out of everything that is written.

A parameter given as ``{secret: NAME}`` reaches the notebook as a call of `qb.secret`: neither the spec, the
injected cell, the key of the run nor ``run.json`` ever holds the value. What a cell prints is another
matter: `redacted` replaces every known value, also in the forms in which it usually leaks, and `leaks`
looks for what has the shape of a secret before anything is published.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus

from quantbench.config import settings
from quantbench.core.errors import RunError, did_you_mean

__all__ = ["HIDDEN", "leaks", "redacted", "revealed_in", "secret", "secret_named", "secret_names", "secret_values"]

HIDDEN: Final = "***"
_SHORTEST: Final = 6
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TELLING: Final = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|SECRET_?KEY|PRIVATE_?KEY)$", re.IGNORECASE
)
_ASKED: Final[set[str]] = set()
"""Names of the variables this process asked for."""
_REVEALED: Final = re.compile(r"\bsecret\(\s*\\*[\"']([A-Za-z_]\w*)\\*[\"']")
_SHAPES: Final = {
    "a key of AWS": re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a token of GitHub": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b"),
    "a token of Slack": re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}\b"),
    "a JSON web token": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "a password in an address": re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s/:@\"'<>]+:(?!\*\*\*@)[^\s/@\"'<>]+@"),
    "a password": re.compile(
        r"(?i)\b(?:password|passwd|api[_-]?key|access[_-]?token|secret[_-]?key)\b[\"']?\s*[=:]\s*[\"'](?!\*\*\*)[^\"'\s]{6,}[\"']"
    ),
}


def secret_named(value: Any) -> str | None:
    """Return the name when a value of a spec is ``{secret: NAME}``, else None.

    Raises
    ------
    RunError
        When the name is none.

    Examples
    --------
    >>> secret_named({"secret": "FEED_KEY"})
    'FEED_KEY'
    """
    if not isinstance(value, Mapping) or set(value) != {"secret"}:
        return None
    name = value["secret"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise RunError("a secret is referred to by the name of its variable, {secret: FEED_KEY}; this is no name")
    return name


def secret_names(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the secrets some parameters refer to, each once."""
    found = (secret_named(value) for value in parameters.values())
    return tuple(dict.fromkeys(name for name in found if name is not None))


def secret(name: str) -> str:
    """Return a secret: the variable of that name in the environment, else its line in the file ``.env``.

    Parameters
    ----------
    name : str
        Of the variable. The file ``.env`` in Quantbench's home has lines ``NAME=value``; git ignores it.

    Raises
    ------
    RunError
        When there is none of that name. The message holds names only.

    Examples
    --------
    >>> secret("QB_NO_SUCH_SECRET")
    Traceback (most recent call last):
    quantbench.core.errors.RunError: there is no secret 'QB_NO_SUCH_SECRET': set it in the environment or in .env...
    """
    if os.environ.get(name):
        _ASKED.add(name)
        return os.environ[name]
    filed = _filed(settings().home / ".env")
    if name not in filed:
        hint = f" ({did_you_mean(name, filed)})" if filed else ""
        raise RunError(f"there is no secret {name!r}: set it in the environment or in .env of {settings().home}{hint}")
    return filed[name]


def secret_values(names: Iterable[str] = ()) -> dict[str, str]:
    """Return what must not be written anywhere, by name.

    All of ``.env``, the variables of these names and those this process asked `secret` for, and every variable
    whose name ends as those of secrets do: PASSWORD, TOKEN, API_KEY and the like.
    """
    told = (name for name in os.environ if _TELLING.search(name))
    found = _filed(settings().home / ".env")
    return found | {name: os.environ[name] for name in (*told, *names, *_ASKED) if os.environ.get(name)}


def revealed_in(text: str) -> tuple[str, ...]:
    """Return the names of the secrets a text of Python, or of a notebook, reveals: ``qb.secret("NAME")``.

    Examples
    --------
    >>> revealed_in('feed = qb.secret("FEED_KEY")')
    ('FEED_KEY',)
    """
    return tuple(dict.fromkeys(_REVEALED.findall(text)))


def _filed(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError:
        return {}
    pairs = (line.removeprefix("export ").partition("=") for line in map(str.strip, lines) if not line.startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, equals, value in pairs if equals and value.strip()}


def redacted(text: str, values: Iterable[str]) -> str:
    """Return the text with secrets replaced by ``***``, also where they are encoded for an address or in base64.

    Parameters
    ----------
    text : str
        Anything: a log, the JSON of a notebook.
    values : iterable of str
        The secrets; those shorter than 6 characters would hide half of every text and are left.

    Examples
    --------
    >>> redacted("https://x/?key=s%26cret-1", ["s&cret-1"])
    'https://x/?key=***'
    """
    forms = {form for value in values if len(value) >= _SHORTEST for form in _forms(value)}
    if not forms:
        return text
    return re.sub("|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True)), HIDDEN, text)


def _forms(value: str) -> set[str]:
    import json

    raw = value.encode("utf-8", errors="surrogatepass")
    plain = {value, quote(value, safe="", errors="replace"), quote_plus(value, errors="replace")}
    plain |= {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], repr(value)[1:-1], raw.hex()}
    as_page = {escape(form) for form in plain}
    plain |= as_page | {form.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026") for form in plain}
    for coded in (base64.b64encode(raw), base64.urlsafe_b64encode(raw)):
        plain.add(coded.decode().rstrip("="))
    return {form for form in plain if len(form) >= _SHORTEST}


def leaks(text: str, values: Mapping[str, str] | None = None) -> tuple[str, ...]:
    r"""Return what in a text is, or looks like, a secret; empty when it may be published.

    Parameters
    ----------
    text : str
        Of a report or a notebook.
    values : mapping, optional
        Known secrets by name.

    Returns
    -------
    tuple of str
        One sentence a finding, with its line and never with the secret.

    Examples
    --------
    >>> leaks("fine\npostgres://me:pa55word@host/db")
    ('line 2 holds a password in an address',)
    """
    found = []
    for name, value in (values or {}).items():
        if len(value) >= _SHORTEST and any(form in text for form in _forms(value)):
            place = min(text.find(form) for form in _forms(value) if form in text)
            found.append(f"line {_line(text, place)} holds the secret {name}")
    for what, shape in _SHAPES.items():
        found += [f"line {_line(text, match.start())} holds {what}" for match in shape.finditer(text)]
    return tuple(dict.fromkeys(found))


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
