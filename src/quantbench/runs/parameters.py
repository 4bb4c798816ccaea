"""The contract of a notebook: what its cell tagged `parameters` declares, read with `ast`.

The cell assigns names, nothing else. A value given from outside must be declared there, fit its
annotation (or the type of its default) and is written as the exact Python literal, or refused.
"""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from quantbench.config.secrets import secret_named
from quantbench.core.errors import RunError, did_you_mean
from quantbench.runs.annotations import fits, read_as
from quantbench.runs.literals import is_number, literal

__all__ = ["Parameter", "declared", "injected", "literal", "plain_name"]


@dataclass(frozen=True)
class Parameter:
    """One name a notebook lets the outside set.

    Attributes
    ----------
    name : str
        The name the cell assigns.
    annotation : str or None
        As written; when there is none the type of the default decides.
    default : object
        Its value, or its source text when it is an expression.
    computed : bool
        Whether the default is an expression rather than a literal.
    comment : str
        The comment on the line the assignment ends on.
    """

    name: str
    annotation: str | None
    default: Any
    computed: bool
    comment: str


def declared(source: str) -> tuple[Parameter, ...]:
    """Return what a `parameters` cell declares, in order.

    Parameters
    ----------
    source : str
        The cell's code: assignments, imports and comments.

    Raises
    ------
    RunError
        When the cell is no Python, does anything but assign, assigns a name twice, or computes one
        parameter from another (the injected value comes after it and would leave it stale).

    Examples
    --------
    >>> declared("fast: int = 20  # bars")[0]
    Parameter(name='fast', annotation='int', default=20, computed=False, comment='bars')
    """
    try:
        body = ast.parse(source).body
    except SyntaxError as fault:
        raise RunError(f"the parameters cell is no Python, line {fault.lineno}: {fault.msg}") from fault
    comments = _comments(source)
    found: dict[str, Parameter] = {}
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom) or _is_text(node):
            continue
        name, annotation, value = _assignment(node)
        if name in found:
            raise RunError(f"the parameters cell assigns {name!r} twice; keep one")
        _refuse_derived(name, value, found)
        default, computed = _default(value)
        comment = comments.get(node.end_lineno or 0, "")
        written = ast.unparse(annotation) if annotation is not None else None
        found[name] = Parameter(name, written, default, computed, comment)
    return tuple(found.values())


def plain_name(name: Any) -> str:
    """Return a name a parameter may have: an identifier that hides nothing of Python.

    Raises
    ------
    ValueError
        For anything else.

    Examples
    --------
    >>> plain_name("fast")
    'fast'
    """
    if not isinstance(name, str) or not name.isascii() or not name.isidentifier() or name.startswith("_"):
        raise ValueError(f"{name!r} is no name of a parameter: letters, digits and '_', beginning with a letter")
    if keyword.iskeyword(name) or hasattr(builtins, name):
        raise ValueError(f"{name!r} is a word of Python; give the parameter another name")
    return name


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT}


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _assignment(node: ast.stmt) -> tuple[str, ast.expr | None, ast.expr]:
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        return node.target.id, node.annotation, node.value
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id, None, node.value
    line = ast.unparse(node).splitlines()[0]
    raise RunError(f"the parameters cell may only assign one name a line; move {line!r} to the next cell")


def _refuse_derived(name: str, value: ast.expr, before: Mapping[str, Parameter]) -> None:
    for node in ast.walk(value):
        if isinstance(node, ast.Name) and node.id in before:
            raise RunError(
                f"the parameters cell computes {name!r} from {node.id!r}: a given {node.id} would come too late; "
                f"compute {name} in the next cell"
            )


def _default(value: ast.expr) -> tuple[Any, bool]:
    try:
        return ast.literal_eval(value), False
    except (ValueError, TypeError):
        return ast.unparse(value), True


def injected(contract: Sequence[Parameter], given: Mapping[str, Any]) -> str:
    """Return the source of the cell that sets the given parameters.

    Parameters
    ----------
    contract : sequence of Parameter
        What the notebook declares.
    given : mapping
        Values by name.

    Raises
    ------
    RunError
        For a name the notebook does not declare, a value that does not fit, or one that has no
        exact literal.

    Examples
    --------
    >>> import numpy as np
    >>> print(injected(declared("fast: int = 20"), {"fast": np.int64(5)}))
    # Parameters
    fast = 5
    """
    known = {part.name: part for part in contract}
    lines = ["# Parameters"]
    for name, value in given.items():
        if name not in known:
            raise RunError(f"the notebook has no parameter {name!r}: {did_you_mean(str(name), known)}")
        lines.append(f"{name} = {_source(value, known[name])}")
    return "\n".join(lines)


def _source(value: Any, parameter: Parameter) -> str:
    if (secret := secret_named(value)) is not None:
        _refuse_misfit("", parameter)  # a secret arrives as text
        return f'__import__("quantbench").secret({secret!r})'
    if isinstance(value, str) and _is_member(value, parameter):
        return f"{parameter.annotation}[{value!r}]"
    plain = _plain(value, parameter)
    _refuse_misfit(plain, parameter)
    return literal(plain, parameter.name)


def _is_member(value: str, parameter: Parameter) -> bool:
    """Return whether text names a member of the enum that the cell imports: ``side: Side = Side.LONG``."""
    of_enum = parameter.computed and re.fullmatch(rf"{re.escape(parameter.annotation or '')}\.\w+", parameter.default)
    return bool(of_enum and parameter.annotation and value.isidentifier())


def _plain(value: Any, parameter: Parameter) -> Any:
    """Unwrap a numpy scalar; write a date as text where the parameter is text, and read text where it is a date."""
    if is_number(value):
        return value.item()
    wants_text = _fits("", parameter) and not _fits(object(), parameter)
    if isinstance(value, date) and value == value and wants_text:  # noqa: PLR0124  (NaT is not itself)
        return value.isoformat()
    if parameter.annotation is not None and not _fits(value, parameter):
        return read_as(value, parameter.annotation)
    return value


def _fits(value: Any, parameter: Parameter) -> bool:
    return fits(value, annotation=parameter.annotation, default=parameter.default, computed=parameter.computed)


def _refuse_misfit(value: Any, parameter: Parameter) -> None:
    if _fits(value, parameter):
        return
    wanted = parameter.annotation or f"{type(parameter.default).__name__} like {parameter.default!r}"
    raise RunError(f"parameter {parameter.name!r} must be {wanted}, found {value!r} ({type(value).__name__})")
