"""What the name of a file says: symbol, timeframe, side. Never trusted against the rows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from quantbench.core.timeframe import TIMEFRAMES
from quantbench.data.unpacking import Source

__all__ = ["Named", "named", "price_digits"]

_CRYPTO: Final = ("BTC", "ETH", "LTC", "XRP", "BCH")
_METALS: Final = ("XAU", "XAG", "XPT", "XPD")
_MONEY: Final = (
    *("USD", "EUR", "GBP", "JPY", "CHF", "AUD", "NZD", "CAD", "SEK", "NOK", "DKK", "PLN", "HUF", "CZK"),
    *("TRY", "ZAR", "MXN", "SGD", "HKD", "CNH", "CNY", "THB", "RUB", "ILS"),
)
_CODES: Final = frozenset((*_MONEY, *_METALS, *_CRYPTO))
_WORDS: Final = {
    **{f"{count}{unit}": f"{unit}{count}" for unit in "MH" for count in (1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30)},
    **{str(ns // 60_000_000_000): name for name, ns in TIMEFRAMES.items()},
    **dict.fromkeys(("D", "1D", "DAY", "DAILY"), "D1"),
    **dict.fromkeys(("W", "1W", "WEEK", "WEEKLY"), "W1"),
    **dict.fromkeys(("MN", "MONTH", "MONTHLY"), "MN1"),
    **dict.fromkeys(("HOUR", "HOURLY"), "H1"),
    "MINUTE": "M1",
    **{name: name for name in TIMEFRAMES},
}
_ENDINGS: Final = re.compile(r"(\.(csv|tsv|txt|gz|zip|hst|bi5|parquet|npz|prn))+$", re.IGNORECASE)
_SYMBOL: Final = re.compile(r"[A-Z][A-Z0-9.#]{2,}")


@dataclass(frozen=True)
class Named:
    """What a name says; None where it says nothing."""

    symbol: str | None = None
    timeframe: str | None = None
    side: Literal["bid", "ask"] | None = None


def named(source: Source) -> Named:
    """Return what the names of the data and of the file around it say.

    Examples
    --------
    >>> from pathlib import Path
    >>> named(Source(Path("x"), "EURUSDM15.csv"))
    Named(symbol='EURUSD', timeframe='M15', side=None)
    >>> named(Source(Path("x"), "FOREX_EURUSD_1H_ASK.csv"))
    Named(symbol='EURUSD', timeframe='H1', side='ask')
    """
    symbol = timeframe = side = None
    for name in dict.fromkeys((source.name.rpartition("/")[2], source.path.name)):
        tokens = re.split(r"[_\- ]+", _ENDINGS.sub("", name))
        for position, token in enumerate(tokens):
            before, frame = _split(token)
            pair = before if _is_pair(before) else None
            following = _split(tokens[position + 1]) if position + 1 < len(tokens) else ("", None)
            told = frame or (not following[0] and following[1]) or following[0].upper() in {"TICK", "TICKS"}
            if symbol is None and (pair or (told and _SYMBOL.fullmatch(before))):
                symbol = before.upper() if pair else before
            if timeframe is None and frame and (not before or _is_symbol(before)):
                timeframe = frame
            if token.upper() in {"BID", "ASK"}:
                side = side or ("bid" if token.upper() == "BID" else "ask")
    return Named(symbol, timeframe, side)  # type: ignore[arg-type]


def price_digits(symbol: str | None) -> int | None:
    """Return the decimals MetaTrader brokers quote a currency pair or gold with, None for all else.

    Examples
    --------
    >>> price_digits("EURUSD"), price_digits("USDJPY"), price_digits("XAUUSD"), price_digits("US500")
    (5, 3, 2, None)
    """
    if symbol is None or not _is_pair(symbol) or symbol[:3] in (*_CRYPTO, "XPT", "XPD"):
        return None
    return {"XAU": 2, "XAG": 3}.get(symbol[:3], 3 if symbol[3:6] in {"JPY", "HUF", "THB"} else 5)


def _split(token: str) -> tuple[str, str | None]:
    """Return a token without the timeframe at its end, and that timeframe."""
    upper = token.upper()
    for word in sorted(_WORDS, key=len, reverse=True):
        before = token[: len(token) - len(word)]
        if not upper.endswith(word) or (before and not _is_symbol(before)):
            continue
        if before and len(word) < 2 and not (word.isdigit() and _is_pair(before)):
            continue
        if not before and word.isdigit():
            continue
        return before, _WORDS[word]
    return token, None


def _is_pair(text: str) -> bool:
    upper = text.upper()
    return len(upper) == 6 and upper[:3] in _CODES and upper[3:] in _CODES


def _is_symbol(text: str) -> bool:
    return _is_pair(text) or bool(_SYMBOL.fullmatch(text))
