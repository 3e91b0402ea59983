"""The catalogue: the repair actions that an organisation has thought about beforehand (process, 4).

An entry says for which trouble it is, how risky it is, who owns it, what parameters it takes, and its steps: a
**check** and a **verify** only read, an **apply** and an **undo** change the system and are never done without approval.
TOML in, frozen and validated out; nothing here executes anything.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import Field, JsonValue, TypeAdapter, ValidationError, model_validator

from incident.shapes import BadPolicy, Duration, Frozen, Handle, fault

LONGEST_VALUE = 1000
MOST_TRIES = 10
LONGEST_LOOK = timedelta(seconds=90)
MOST_LOOKS = 3
StepName = Literal["check", "apply", "verify", "undo"]
STEPS: tuple[StepName, ...] = ("check", "apply", "verify", "undo")
HOLE = re.compile(r"(?<!\$)\{([a-z][a-z0-9_-]*)\}")
SECRET = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def _absent(value: object) -> bool:
    """What is left at its default is not written: so a field that comes later changes no digest and no history."""
    return not value


class Parameter(Frozen):
    """A typed hole in a step. It fills a whole argument, never a part of a shell line."""

    kind: Literal["string", "integer", "one-of", "service"] = "string"
    pattern: str = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
    minimum: int = 0
    maximum: int = 1_000_000
    choices: tuple[str, ...] = ()
    default: str | None = None

    def refuse(self, value: str, services: frozenset[str]) -> str | None:
        """Why `value` may not stand here, or None."""
        if len(value) > LONGEST_VALUE:
            return f"is longer than {LONGEST_VALUE} characters"
        match self.kind:
            case "string":
                if value.startswith("-"):
                    return "must not begin with -: a command would take it for an option"
                if not value.isprintable():
                    return "must not have line breaks or other characters that cannot be seen"
                # ASCII: a digit or letter of another script that looks the same is not the same.
                return None if re.fullmatch(self.pattern, value, re.ASCII) else f"must match {self.pattern}"
            case "integer":
                if re.fullmatch(r"-?[0-9]{1,12}", value) and self.minimum <= int(value) <= self.maximum:
                    return None
                return f"must be a whole number from {self.minimum} to {self.maximum}"
            case "one-of":
                return None if value in self.choices else f"must be one of {', '.join(self.choices)}"
            case "service":
                return None if value in services else f"must be one of {', '.join(sorted(services))}"

    @property
    def may(self) -> str:
        """What may stand here, for people."""
        match self.kind:
            case "string":
                return f"text that matches {self.pattern}"
            case "integer":
                return f"a whole number from {self.minimum} to {self.maximum}"
            case "one-of":
                return f"one of {', '.join(self.choices)}"
            case "service":
                return "a service of the organisation"

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern {self.pattern!r} is no regular expression: {error}") from None
        if self.kind == "one-of" and not self.choices:
            raise ValueError("a parameter of kind one-of needs choices")
        if self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum} is above maximum {self.maximum}")
        if self.default is not None and self.kind != "service":
            why = self.refuse(self.default, frozenset())
            if why is not None:
                raise ValueError(f"default {self.default!r} {why}")
        return self


class Step(Frozen):
    """One thing to do: by a person (`manual`), by a command (`argv`), or by an HTTP request (`url`).

    `environment` names the only variables of the runner that reach it; `${NAME}` in url, headers and body is one of
    them, filled in on the runner. A request is a success when its status is in `success` and its JSON answer has each
    value of `expect` at its dotted path.
    """

    manual: str = ""
    argv: tuple[str, ...] = ()
    url: str = ""
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    headers: dict[str, str] = {}
    body: dict[str, JsonValue] = {}
    success: tuple[int, ...] = (200, 201, 202, 204)
    environment: tuple[str, ...] = ()
    directory: str = ""
    time_limit: Duration | None = None
    expect: dict[str, str] = Field(default={}, exclude_if=_absent)
    tries: int = Field(default=1, ge=1, le=MOST_TRIES, exclude_if=lambda tries: tries == 1)

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(map(bool, (self.manual, self.argv, self.url))) != 1:
            raise ValueError("a step has exactly one of manual, argv, url")
        for argument in self.argv:
            if "\0" in argument:
                raise ValueError("no argument can hold a NUL character")
            if HOLE.search(argument) and not HOLE.fullmatch(argument):
                raise ValueError(f"{argument!r} mixes text and parameter; a parameter fills a whole argument")
            if SECRET.search(argument):
                raise ValueError(f"{argument!r}: others on the machine can read arguments; let it read its environment")
        for header, value in self.headers.items():
            if HOLE.search(value):
                raise ValueError(f"header {header!r} has a parameter; parameters go into url and body")
            if re.search(r"auth|token|key|secret|cookie", header, re.IGNORECASE) and not SECRET.search(value):
                raise ValueError(f"header {header!r} holds a secret; write ${{NAME}} and set NAME for the runner")
        for name in SECRET.findall(" ".join((self.url, *self.headers.values(), *_texts(self.body)))):
            if name not in self.environment:
                raise ValueError(f"${{{name}}} is used and not allowed: add it to environment")
        return self

    @property
    def automated(self) -> bool:
        return not self.manual

    @property
    def only_reads(self) -> bool:
        return not self.url or self.method == "GET"

    def holes(self) -> list[str]:
        """The parameters it uses."""
        return [
            hole
            for text in (*self.argv, self.url, self.manual, *_texts(self.body), *self.expect.values())
            for hole in HOLE.findall(text)
        ]

    def shown(self, parameters: Mapping[str, str]) -> str:
        """What it does, for people: the instructions, the command, or the request. Secrets stay names."""

        def filled(text: str) -> str:
            return HOLE.sub(lambda hole: parameters.get(hole[1], hole[0]), text)

        if self.manual:
            return filled(self.manual)
        if self.argv:
            return " ".join(_quoted(filled(argument)) for argument in self.argv)
        body = ", ".join(f"{key}={filled(str(value))}" for key, value in self.body.items())
        return f"{self.method} {filled(self.url)}{f' with {body}' if body else ''}"


class CatalogueEntry(Frozen):
    """A repair action the organisation has thought about beforehand.

    `version` is the catalogue file's: raise it when what a step calls has changed, and approvals given before are void.
    `practice` lets it be carried out in a practice: it touches nothing but what is there to be practised on.
    """

    id: Handle
    trouble: str
    title: str
    risk: Literal["low", "high"] = "high"
    owner: Handle | None = None
    runner: str = "local"
    service: str = ""
    parameters: dict[Handle, Parameter] = {}
    check: Step | None = None
    apply: Step
    verify: Step | None = None
    undo: Step | None = None
    fallback: str = ""
    version: str = Field(default="", exclude_if=_absent)
    idempotent: bool = Field(default=False, exclude_if=_absent)
    practice: bool = Field(default=False, exclude_if=_absent)

    def step(self, name: StepName) -> Step | None:
        found: Step | None = getattr(self, name)
        return found

    def automates(self, name: StepName) -> bool:
        """The runner can do that step."""
        step = self.step(name)
        return step is not None and step.automated

    def filled(self, given: Mapping[str, str], service: str = "") -> dict[str, str]:
        """All parameters that are known: as given, else their default; a service else the incident's (`service`)."""
        values = {}
        for name, parameter in self.parameters.items():
            usual = parameter.default or (service if parameter.kind == "service" else None) or None
            value = given.get(name, usual)
            if value is not None:
                values[name] = value
        return values

    def refuse(self, values: Mapping[str, str], services: frozenset[str], only: StepName | None = None) -> str | None:
        """Why it cannot be done with these parameters, or None. For `only` one step, what that step does not use may lack."""
        step = self.step(only) if only else None
        for name in values:
            if name not in self.parameters:
                return f"{self.id} takes no {name!r}; it takes {', '.join(self.parameters) or 'nothing'}."
        for name, parameter in self.parameters.items():
            if name not in values:
                if step is not None and name not in step.holes():
                    continue
                return f"{self.id} needs {name}: `!ic propose {self.id} {name}=…`, {parameter.may}."
            if (why := parameter.refuse(values[name], services)) is not None:
                return f"{name} {why}."
        return None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        for name in STEPS:
            step = self.step(name)
            if step is None:
                continue
            for hole in step.holes():
                if hole not in self.parameters:
                    raise ValueError(f"{name} uses {{{hole}}}, which is not among its parameters")
            if name in ("check", "verify"):
                if not step.only_reads:
                    raise ValueError(f"{name} only reads: its request must be a GET")
                if step.time_limit is not None and step.time_limit > LONGEST_LOOK:
                    raise ValueError(f"{name} may take {LONGEST_LOOK.total_seconds():g} s at most")
                if step.tries > MOST_LOOKS:
                    raise ValueError(f"{name} is tried {MOST_LOOKS} times at most")
            if name in ("apply", "undo") and step.tries > 1 and not self.idempotent:
                raise ValueError(f"{name} is tried {step.tries} times; that needs idempotent = true")
        return self


Files = Mapping[str, str]
_ENTRIES: TypeAdapter[tuple[CatalogueEntry, ...]] = TypeAdapter(tuple[CatalogueEntry, ...])


def read_files(files: Files) -> tuple[CatalogueEntry, ...]:
    """The entries of these TOML files, name to text. Raises BadPolicy with a line a fault of them all."""
    found: list[CatalogueEntry] = []
    faults: list[str] = []
    for name, text in sorted(files.items()):
        try:
            found += _read_file(name, text)
        except BadPolicy as fault_:
            faults.append(str(fault_))
    ids = [entry.id for entry in found]
    faults += [
        f"catalogue: two entries have the id {double!r}" for double in sorted({i for i in ids if ids.count(i) > 1})
    ]
    if faults:
        raise BadPolicy("\n".join(faults))
    return tuple(found)


def _read_file(name: str, text: str) -> tuple[CatalogueEntry, ...]:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadPolicy(f"{name}: not valid TOML: {error}") from error
    unknown = sorted(set(data) - {"version", "catalogue"})
    if unknown:
        raise BadPolicy(f"{name}: {unknown[0]}: is no key here; there may be version and [[catalogue]] entries")
    version = data.get("version", "")
    if not isinstance(version, str):
        raise BadPolicy(f'{name}: version: must be a text such as "7"; there stands {version!r}')
    tables = data.get("catalogue", [])
    for table in tables if isinstance(tables, list) else ():
        if isinstance(table, dict) and version:
            table.setdefault("version", version)
    return read_entries(tables, name)


def read_entries(tables: object, file: str) -> tuple[CatalogueEntry, ...]:
    """Entries as TOML has them. Raises BadPolicy: file, entry, key, what stands there, what may."""
    try:
        return _ENTRIES.validate_python(tables)
    except ValidationError as error:
        raise BadPolicy("\n".join(_fault(file, tables, found) for found in error.errors())) from error


def _fault(file: str, tables: Any, found: Mapping[str, Any]) -> str:
    place, *loc = found["loc"] or (0,)
    table = tables[place] if isinstance(tables, list) and isinstance(place, int) else {}
    entry = (
        table.get("id", f"number {place + 1 if isinstance(place, int) else place}")
        if isinstance(table, dict)
        else place
    )
    shape = _shape(loc[:-1])
    if found["type"] == "extra_forbidden":
        found = {**found, "msg": "is no key here", "input": {}}
        return fault(f"{file}: entry {entry}", {**found, "loc": loc}, f"there may be {', '.join(shape.model_fields)}")
    return fault(f"{file}: entry {entry}", {**found, "loc": loc or ("(the entry)",)})


def _shape(loc: list[Any]) -> type[Frozen]:
    match loc:
        case ["parameters", _]:
            return Parameter
        case ["check" | "apply" | "verify" | "undo"]:
            return Step
        case _:
            return CatalogueEntry


def _texts(value: JsonValue | Mapping[str, JsonValue]) -> list[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for inner in value.values() for text in _texts(inner)]
    return [text for inner in value for text in _texts(inner)] if isinstance(value, list) else []


def _quoted(argument: str) -> str:
    return argument if re.fullmatch(r"[\w@%+=:,./{}-]+", argument) else "'" + argument.replace("'", "'\\''") + "'"
