"""A rule as Python that a person would have written: an ordinary strategy whose numbers are its params."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from textwrap import fill, wrap
from typing import Final

from quantbench.core.errors import check
from quantbench.strategies.rule.grammar import NUMBERS, WORDS, Kind, Node, below
from quantbench.strategies.rule.strategy import Rule
from quantbench.strategies.rule.text import SIGNS, compared, parsed

__all__ = ["file_name", "source_of"]

Number = tuple[str, int]
_WIDTH, _LONGEST = 100, 120
_INDICATORS: Final = {
    "sma": "qb.sma({0}, {1})",
    "ema": "qb.ema({0}, {1})",
    "highest": "bar_before(qb.donchian(bars, {0}).upper)",
    "lowest": "bar_before(qb.donchian(bars, {0}).lower)",
    "upper_band": "qb.bollinger(bars.close, {0}).upper",
    "lower_band": "qb.bollinger(bars.close, {0}).lower",
    "rsi": "qb.rsi(bars.close, {0})",
    "stochastic": "qb.stochastic(bars, {0}).k",
    "adx": "qb.adx(bars, {0})",
    "atr": "qb.atr(bars, {0})",
    "span": "bars.high - bars.low",
}
_EVENTS: Final = ("bar_before", "bars_since", "crossed_above", "crossed_below")


@dataclass(frozen=True)
class Names:
    """What the parts of a rule are called in its file.

    Attributes
    ----------
    lines : mapping of Node to str
        Local names of the indicators.
    fields : mapping of (word, number) to str
        Fields of the numbers.
    kinds : mapping of str to Kind
        What each field counts.
    """

    lines: Mapping[Node, str]
    fields: Mapping[Number, str]
    kinds: Mapping[str, Kind]


def file_name(name: str) -> str:
    """Return the file of a class.

    Raises
    ------
    ParamsError
        When the name is no name of a class.

    Examples
    --------
    >>> file_name("TrendPullback")
    'trend_pullback.py'
    """
    is_name = re.fullmatch(r"[A-Z][A-Za-z0-9]*", name) and name not in {"None", "True", "False"}
    check(is_name, "an exported rule needs the name of a class, such as TrendPullback", name=name)
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower() + ".py"


def source_of(rule: Rule, *, name: str, about: str) -> str:
    """Return the text of a module that defines the rule as a strategy of its own.

    Parameters
    ----------
    rule : Rule
        What it must say; its numbers become fields with their neighbours to try.
    name : str
        Of the class.
    about : str
        Where it comes from: the first lines of the module.
    """
    sides = parsed(rule.long), parsed(rule.short)
    names = _names(sides)
    body = "\n".join(_body(sides, names))
    events = [event for event in _EVENTS if f"{event}(" in body]
    imports = [f"from quantbench.indicators.events import {', '.join(events)}"] if events else []
    numpy = ["import numpy as np", ""] if "np." in body else []
    return "\n".join(
        [
            f'"""{fill(about, _WIDTH)}\n"""' if len(about) > _WIDTH else f'"""{about}"""',
            *("", "from __future__ import annotations", "", "from dataclasses import dataclass", ""),
            *(*numpy, "import quantbench as qb", *imports, "", ""),
            *("@dataclass(frozen=True)", f"class {name}(qb.Strategy):"),
            *_docstring(rule),
            *(_field(field, number, names.kinds[field]) for (_, number), field in names.fields.items()),
            f"    stop_atr: float = qb.param({rule.stop_atr!r}, among={Rule.space()['stop_atr']!r})",
            *("", "    @property", "    def warmup(self) -> int:"),
            '        """Bars after which every indicator has forgotten where the history began."""',
            *_returned([*_memory(sides, names), "20 * 14"]),
            *("", "    def decide(self, bars: qb.Bars) -> qb.Signals:"),
            '        """Say where the conditions hold."""',
            body,
            "        return qb.Signals.when(long=long, short=short, stop=self.stop_atr * qb.atr(bars, 14))",
            "",
        ]
    )


def _names(sides: tuple[Node, Node]) -> Names:
    """Name every indicator and every number, in the order they are met."""
    lines: dict[Node, str] = {}
    fields: dict[Number, str] = {}
    kinds: dict[str, Kind] = {}
    for node in (node for side in sides for node, _, _ in below(side)):
        if node.word in _INDICATORS and node not in lines:
            lines[node] = _free(node.word, lines.values())
        number = _number(node)
        if number is not None and number not in fields:
            kind = WORDS[node.word].takes[-1]
            fields[number] = _free(number[0], fields.values())
            kinds[fields[number]] = kind
    return Names(lines, fields, kinds)


def _free(name: str, taken: Iterable[str]) -> str:
    used = set(taken)
    return next(one for one in (name, *(f"{name}_{n}" for n in range(2, len(used) + 3))) if one not in used)


def _number(node: Node) -> Number | None:
    """Return a node's number and what its field is called: a level belongs to its oscillator."""
    if not node.takes or not isinstance(node.takes[-1], int):
        return None
    kind = WORDS[node.word].takes[-1]
    called = {Kind.LEVEL: f"{node.nodes[0].word}_level" if node.nodes else "", Kind.AGE: "recent_bars"}
    return called.get(kind, f"{node.word}_lookback"), node.takes[-1]


def _field(field: str, number: int, kind: Kind) -> str:
    values = NUMBERS[kind]
    at = values.index(number) if number in values else None
    among = (number,) if at is None else values[max(at - 1, 0) : at + 2]
    return f"    {field}: int = qb.param({number}, among={among!r})"


def _docstring(rule: Rule) -> list[str]:
    said = [f"Long while {rule.long}.", f"Short while {rule.short}."]
    lines = [line for sentence in said for line in wrap(sentence, _WIDTH, subsequent_indent="    ")]
    return [
        '    """Two conditions, flat where neither or both hold.',
        "",
        *(f"    {line}" for line in lines),
        '    """',
        "",
    ]


def _returned(terms: list[str]) -> list[str]:
    line = f"        return max({', '.join(terms)})"
    if len(line) <= _LONGEST:
        return [line]
    return ["        return max(", *(f"            {term}," for term in terms), "        )"]


def _memory(sides: tuple[Node, Node], names: Names) -> list[str]:
    """Return the warm-up as sums along the branches, without those that another one holds."""
    found = dict.fromkeys(tuple(branch) for side in sides for branch in _branches(side, names))
    longest = [one for one in found if one and not any(set(one) < set(other) for other in found)]
    return [" + ".join(one) for one in longest]


def _branches(node: Node, names: Names) -> Iterator[list[str]]:
    times, plus = WORDS[node.word].forgets
    number = _number(node)
    own = []
    if times and number is not None:
        field = f"self.{names.fields[number]}"
        own.append(field if times == 1 else f"{times} * {field}")
    own += [str(plus)] * bool(plus)
    if not node.nodes:
        yield own
    for part in node.nodes:
        for branch in _branches(part, names):
            yield [*own, *branch]


def _body(sides: tuple[Node, Node], names: Names) -> Iterator[str]:
    for node, local in names.lines.items():
        parts = [_expression(part, names) for part in node.nodes]
        number = _number(node)
        field = [] if number is None else [f"self.{names.fields[number]}"]
        yield f"        {local} = {_INDICATORS[node.word].format(*parts, *field)}"
    for side, node in zip(("long", "short"), sides, strict=True):
        if node.word in {"and", "or"}:
            sign = "&" if node.word == "and" else "|"
            parts = [f"({_expression(part, names)})" for part in node.nodes]
            line = f"        {side} = {f' {sign} '.join(parts)}"
            yield line if len(line) <= _LONGEST else _in_lines(side, sign, parts)
        else:
            yield f"        {side} = {_expression(node, names)}"


def _in_lines(side: str, sign: str, parts: list[str]) -> str:
    first, *rest = parts
    return "\n".join(
        [f"        {side} = (", f"            {first}", *(f"            {sign} {part}" for part in rest), "        )"]
    )


def _expression(node: Node, names: Names) -> str:
    """Return a part as NumPy says it."""
    if node in names.lines:
        return names.lines[node]
    if node.word in {"always", "never"}:
        return f"np.full(len(bars), {node.word == 'always'})"
    if not node.takes:
        return f"bars.{node.word}"
    if node.word in {"and", "or"}:
        return (" & " if node.word == "and" else " | ").join(f"({_expression(part, names)})" for part in node.nodes)
    if node.word == "not":
        return _compared(node.nodes[0], names, opposite=True)
    return _compared(node, names, opposite=False)


def _compared(node: Node, names: Names, *, opposite: bool) -> str:
    number = _number(node)
    parts = [_expression(part, names) for part in node.nodes]
    if number is not None:
        parts.append(f"self.{names.fields[number]}")
    if node.word in SIGNS:
        return compared(node, *parts, opposite=opposite)
    if node.word == "recent":
        return f"bars_since({parts[0]}) {'>=' if opposite else '<'} {parts[1]}"
    if node.word == "crossed":
        return f"crossed_above({parts[0]} - {parts[1]}, 0.0)"
    return f"{node.word}({parts[0]}, {parts[1]})"
