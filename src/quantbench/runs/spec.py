"""The spec of a batch, `research/*.yaml`: read once, checked wholly, every error at its exact place.

This module knows what a spec says. What runs come of it is `runs.expansion`; whether the notebook takes
the parameters is `runs.planning`.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from quantbench.core.errors import RunError, did_you_mean
from quantbench.core.space import Range
from quantbench.runs.amounts import megabytes, seconds
from quantbench.runs.parameters import plain_name
from quantbench.runs.sweep_values import finite, listed, searched
from quantbench.runs.yaml_text import Document

__all__ = ["Block", "Drawn", "Report", "Running", "Spec", "spec_of"]

Name = Annotated[str, BeforeValidator(plain_name)]
Value = Annotated[Any, BeforeValidator(finite)]
Listed = Annotated[tuple[Any, ...], BeforeValidator(listed)]
Searched = Annotated[tuple[Any, ...] | Range, BeforeValidator(searched)]
Seconds = Annotated[float, BeforeValidator(seconds)]
Megabytes = Annotated[int, BeforeValidator(megabytes)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True)


class Drawn(_Part):
    """So many distinct choices of a space, drawn from a seed when the plan is made."""

    n: int = Field(ge=1, le=1_000_000)
    seed: int = Field(ge=0)
    space: dict[Name, Searched] = Field(min_length=1)


class Block(_Part):
    """One way to vary parameters: exactly one of its keys is given."""

    grid: dict[Name, Listed] | None = None
    zip: dict[Name, Listed] | None = None
    list: Annotated[tuple[dict[Name, Value], ...] | None, Field(strict=False)] = None
    random: Drawn | None = None
    sobol: Drawn | None = None
    union: Annotated[tuple[Block, ...] | None, Field(strict=False)] = None

    @model_validator(mode="after")
    def _one_way(self) -> Block:
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            ways = ", ".join(type(self).model_fields)
            raise ValueError(f"give exactly one of {ways}; found {', '.join(given) or 'none'}")
        if self.zip is not None and len({len(values) for values in self.zip.values()}) > 1:
            lengths = ", ".join(f"{name} has {len(values)}" for name, values in self.zip.items())
            raise ValueError(f"zip needs lists of one length; {lengths}")
        if not getattr(self, given[0]):
            raise ValueError(f"{given[0]} is empty")
        return self


class Running(_Part):
    """How the runs are executed; none of it changes a result."""

    workers: int | None = Field(default=None, ge=1, le=1024)
    engine: Literal["auto", "fork", "kernel"] = "auto"
    timeout: Seconds | None = None
    cell_timeout: Seconds | None = None
    memory: Megabytes | None = None
    max_runs: int = Field(default=10_000, ge=1)


class Report(_Part):
    """What is shown when a batch is done: the runs with the highest of a metric (else its first), and on a page."""

    title: str | None = None
    metric: Name | None = None
    top: int = Field(default=10, ge=1)


class Spec(_Part):
    """A batch as it was written."""

    version: Literal[1] = 1
    name: str
    notebook: str | None = None
    function: str | None = Field(default=None, alias="callable")
    data: Annotated[tuple[str, ...], Field(strict=False)] = ()
    params: dict[Name, Value] = {}
    sweep: Annotated[tuple[Block, ...], Field(strict=False)] = ()
    where: str | None = None
    repeat: dict[Name, Listed] = {}
    metrics: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    run: Running = Running()
    report: Report | None = None

    @model_validator(mode="after")
    def _whole(self) -> Spec:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}", self.name):
            raise ValueError(f"the name {self.name!r} must be letters, digits, '_', '-' or '.': it names a folder")
        if (self.notebook is None) == (self.function is None):
            raise ValueError("give either notebook: path/to/it.ipynb or callable: package.module:function")
        if self.function is not None and not re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", self.function):
            raise ValueError(f"callable must be package.module:function, found {self.function!r}")
        ranked = None if self.report is None else self.report.metric
        if ranked is not None and ranked not in self.metrics:
            raise ValueError(
                f"report.metric {ranked!r} must be among metrics, so that every run records it: "
                f"{did_you_mean(ranked, self.metrics)}"
            )
        return self


def spec_of(document: Document, *, name: str) -> Spec:
    r"""Return the spec of a document.

    Parameters
    ----------
    document : Document
        As `read_yaml` gives it.
    name : str
        Of the file, for messages.

    Raises
    ------
    RunError
        With every fault, one a line: the place (``sweep.0.grid.fast``), its line, what was found, and
        the key that was probably meant.

    Examples
    --------
    >>> from quantbench.runs.yaml_text import read_yaml
    >>> text = "name: ma\nnotebook: a.ipynb\nsweep: [{gird: {fast: [5]}}]"
    >>> spec_of(read_yaml(text, name="ma.yaml"), name="ma.yaml")
    Traceback (most recent call last):
    quantbench.core.errors.RunError: ma.yaml: sweep.0.gird (line 3): unknown key: did you mean grid?
    """
    if not isinstance(document.value, dict):
        raise RunError(f"{name} must be keys and values, such as name: ma_cross; found {_said(document.value)}")
    try:
        return Spec.model_validate(document.value)
    except ValidationError as fault:
        found = [_fault(error, document) for error in fault.errors(include_url=False)]
        unknown = [text for kind, text in found if kind == "extra_forbidden"]
        said = unknown or [text for _, text in found]  # a misspelt key also makes its block look empty
        head = f"{name}: " if len(said) == 1 else f"{name} has {len(said)} faults:\n  "
        raise RunError(head + "\n  ".join(said)) from fault


_NOT_OURS: Final = {"function-before", "function-after", "[key]"}


def _fault(error: Any, document: Document) -> tuple[str, str]:
    place = _place(error["loc"], document)
    at = ".".join(map(str, place)) or "the spec"
    line = document.lines.get(place)
    kind = error["type"]
    if kind == "extra_forbidden":
        message = f"unknown key: {did_you_mean(str(place[-1]), _keys_at(place[:-1]))}"
    elif kind == "missing":
        message = "is missing"
    elif kind in {"value_error", "assertion_error"}:
        message = str(error["ctx"]["error"])
    elif kind in {"tuple_type", "dict_type"}:
        wanted = "a list (- item)" if kind == "tuple_type" else "keys and values (key: value)"
        message = f"must be {wanted}, found {_said(error['input'])}"
    else:
        message = f"{error['msg'][0].lower()}{error['msg'][1:]}, found {_said(error['input'])}"
    return kind, f"{at}{f' (line {line})' if line else ''}: {message}"


def _place(parts: tuple[int | str, ...], document: Document) -> tuple[int | str, ...]:
    """Drop what pydantic adds about its own types: only what the file says is a place."""
    place: tuple[int | str, ...] = ()
    for i, part in enumerate(parts):
        is_last = i == len(parts) - 1
        if (*place, part) in document.lines or (is_last and part not in _NOT_OURS and "[" not in str(part)):
            place = (*place, part)
    return place


def _keys_at(place: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = Spec
    for step in place:
        if isinstance(step, str):
            part = next((f for n, f in model.model_fields.items() if step in {n, f.alias}), None)
            model = (_model_in(part.annotation) if part else None) or model
    return [part.alias or name for name, part in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)


def _said(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
