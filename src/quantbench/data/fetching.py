"""Polite downloads: one address at a time, with a pause between, tried again when the server is busy or broken."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final, TypeVar
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from quantbench.core.errors import DataError

__all__ = ["POLITE", "Manners", "fetch"]

T = TypeVar("T")

_PIECE: Final = 1 << 16
_MOST: Final = 1 << 26
_BUSY: Final = (408, 425, 429, 500, 502, 503, 504)


@dataclass(frozen=True, kw_only=True)
class Manners:
    """How a server is asked.

    Parameters
    ----------
    tries : int
        Times an address is asked at most.
    pause : float
        Seconds between one address and the next.
    wait : float
        Seconds before the second try; doubled for each further one.
    longest : float
        Seconds waited at most, also when the server asks for more.
    timeout : float
        Seconds without a byte, and four times that for a whole answer.
    """

    tries: int = 5
    pause: float = 0.2
    wait: float = 1.0
    longest: float = 60.0
    timeout: float = 30.0


POLITE: Final = Manners()


class _AgainError(Exception):
    """The answer is none; asking again may help, after the seconds the server names."""

    def __init__(self, why: str, after: float = 0.0) -> None:
        super().__init__(why)
        self.after = after


def fetch(
    url: str,
    parse: Callable[[bytes], T],
    *,
    manners: Manners = POLITE,
    sleep: Callable[[float], Any] = time.sleep,
) -> T | None:
    """Return what `parse` makes of an answer, or None where the server has nothing (404, or no bytes).

    Parameters
    ----------
    url : str
        http or https.
    parse : callable
        Whole answer -> value; its `DataError` means a damaged answer, which is asked for again.
    manners : Manners
        How often and how fast.
    sleep : callable
        Waits some seconds.

    Raises
    ------
    DataError
        When the address is no http address, the server refuses, or no try gave a whole answer.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise DataError(f"{url} is no http or https address")
    why: Exception = DataError("not asked")
    for attempt in range(manners.tries):
        try:
            answer = _answer(url, manners.timeout)
            return parse(answer) if answer else None
        except _AgainError as fault:
            why, after = fault, fault.after
        except DataError as fault:
            why, after = fault, 0.0
        if attempt + 1 < manners.tries:
            sleep(min(manners.longest, max(after, manners.wait * 2.0**attempt)))
    raise DataError(
        f"{url} gave no whole answer in {manners.tries} tries, the last: {why}; what came before is stored, "
        "run the update again later"
    ) from why


def _answer(url: str, timeout: float) -> bytes:
    """Return the whole answer, b"" for 404.

    Raises
    ------
    DataError
        When the server refuses for good.
    """
    request = Request(url, headers={"User-Agent": "quantbench", "Accept-Encoding": "identity"})  # noqa: S310  (checked)
    try:
        with urlopen(request, timeout=timeout) as response:  # noqa: S310
            return _whole(response, timeout)
    except HTTPError as fault:
        fault.close()
        if fault.code == 404:
            return b""
        after = fault.headers.get("Retry-After", "") if fault.headers else ""
        # A refusal for good is asked again too: it is one more request, and a proxy's 403 passes.
        raise _AgainError(
            f"HTTP {fault.code}" + ("" if fault.code in _BUSY else f" {fault.reason}"),
            float(after) if after.isdecimal() else 0.0,
        ) from fault
    except (OSError, HTTPException) as fault:
        raise _AgainError(f"{type(fault).__name__}: {fault}") from fault


def _whole(response: Any, timeout: float) -> bytes:
    """Read to the end, and refuse an answer cut short, without end, or slower than four timeouts."""
    parts, total, deadline = [], 0, time.monotonic() + 4 * timeout
    while piece := response.read1(_PIECE):
        parts.append(piece)
        total += len(piece)
        if total > _MOST:
            raise DataError(f"the answer is longer than {_MOST >> 20} MB")
        if time.monotonic() > deadline:
            raise _AgainError(f"the answer took more than {4 * timeout:g} seconds")
    announced = response.headers.get("Content-Length")
    if announced is not None and announced.isdecimal() and int(announced) != total:
        raise _AgainError(f"the answer was cut short: {total} of {announced} bytes")
    return b"".join(parts)
