"""YAML as version 1.2 means it, with the line of everything: `1e-3` is a number, `NO` and `000001` are text.

PyYAML reads version 1.1, where `NO` is false, `12:30` is 750 and `1e-3` is text. Its scanner and parser
are kept; what a plain word means is decided here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import yaml

from quantbench.core.errors import RunError

__all__ = ["Document", "Place", "read_yaml"]

Place = tuple[str | int, ...]
_LARGEST: Final = 1_000_000
_DEEPEST: Final = 40


class Document(NamedTuple):
    """What a YAML text holds.

    Attributes
    ----------
    value : object
        Mappings, lists, text, numbers, booleans and None.
    lines : mapping
        The line of every value, counted from 1, by its place: ``("sweep", 0, "grid")``.
    """

    value: Any
    lines: Mapping[Place, int]


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # untyped
    """PyYAML's safe loader without its ideas of what plain words mean."""


_Loader.yaml_implicit_resolvers = {}
_PREFIX: Final = "tag:yaml.org,2002:"
_WORDS: Final = {
    "bool": (r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    "null": (r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    # A number with leading zeros is a code, such as a ticker: it stays text.
    "int": (r"^(?:[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
    "float": (
        r"^(?:[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$",
        "-+0123456789.",
    ),
}
for _name, (_pattern, _first) in _WORDS.items():
    _Loader.add_implicit_resolver(_PREFIX + _name, re.compile(_pattern), list(_first))


def read_yaml(text: str, *, name: str) -> Document:
    r"""Return what a YAML text holds.

    Parameters
    ----------
    text : str
        One document.
    name : str
        Of the file, for messages.

    Raises
    ------
    RunError
        When it is no YAML, says a key twice, or uses what a spec does not need (aliases, tags of
        Python, keys that are not text): with the line.

    Examples
    --------
    >>> read_yaml("fee: 1e-3\ncountry: NO\nticker: 000001", name="x.yaml").value
    {'fee': 0.001, 'country': 'NO', 'ticker': '000001'}
    """
    if len(text) > _LARGEST:
        raise RunError(f"{name} has {len(text):,} characters; a spec has at most {_LARGEST:,}")
    loader: Any = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as fault:
        at = fault.problem_mark or fault.context_mark
        where = f", line {at.line + 1}, column {at.column + 1}" if at else ""
        raise RunError(f"{name}{where}: {fault.problem or fault.context}") from fault
    except yaml.YAMLError as fault:
        raise RunError(f"{name}: {str(fault).splitlines()[0]}") from fault
    except RecursionError as fault:
        raise RunError(f"{name} is nested too deeply") from fault
    finally:
        if loader is not None:
            loader.dispose()
    lines: dict[Place, int] = {}
    value = None if node is None else _value(node, (), _Reading(name, lines, set()))
    return Document(value, MappingProxyType(lines))


class _Reading(NamedTuple):
    name: str
    lines: dict[Place, int]
    met: set[int]


def _value(node: yaml.Node, place: Place, reading: _Reading) -> Any:
    line = node.start_mark.line + 1
    if len(place) > _DEEPEST:
        raise RunError(f"{reading.name}, line {line}: nested too deeply")
    if id(node) in reading.met:
        raise RunError(f"{reading.name}, line {line}: this is used again by an alias (*); write it out")
    reading.met.add(id(node))
    reading.lines[place] = line
    if isinstance(node, yaml.MappingNode | yaml.SequenceNode) and node.tag not in {_PREFIX + "map", _PREFIX + "seq"}:
        raise RunError(f"{reading.name}, line {line}: the tag {node.tag} is not allowed; write the plain value")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, reading)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*place, i), reading) for i, item in enumerate(node.value)]
    return _scalar(node, line, reading)


def _mapping(node: yaml.MappingNode, place: Place, reading: _Reading) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, item in node.value:
        line = key.start_mark.line + 1
        name = _scalar(key, line, reading) if isinstance(key, yaml.ScalarNode) else None
        if not isinstance(name, str):
            raise RunError(f"{reading.name}, line {line}: the key {key.value!r} is not text; put it in quotes")
        if name in found:
            raise RunError(f"{reading.name}, line {line}: {name!r} is said twice; keep one")
        found[name] = _value(item, (*place, name), reading)
    return found


def _scalar(node: Any, line: int, reading: _Reading) -> Any:
    tag, text = node.tag.removeprefix(_PREFIX), node.value
    try:
        match tag:
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return {"true": True, "false": False}[text.lower()]
            case "int":
                return int(text, 0)
            case "float":
                return float(text.replace(".inf", "inf").replace(".nan", "nan"))
    except (ValueError, KeyError) as fault:
        raise RunError(f"{reading.name}, line {line}: {text!r} is no {tag}") from fault
    raise RunError(f"{reading.name}, line {line}: the tag {node.tag} is not allowed; write the plain value")
