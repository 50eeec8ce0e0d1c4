"""YAML files: each mistake in them is reported with its line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from pykoh.errors import CampaignError
from pykoh.files import require_file

_WORD = re.compile(r"[A-Za-z0-9_.-]+")
T = TypeVar("T")


class Document:
    """The top-level keys of a YAML file, with their line numbers.

    Args:
        path: the file, or None: all keys are set from the command line.
        what: what it describes, for messages.

    Raises:
        CampaignError: the file is missing, is not YAML, or is not a list of ``key: value``.
    """

    def __init__(self, path: Path | None, what: str) -> None:
        self.values: dict[str, Any] = {}
        self.lines: dict[str, int] = {}
        self._options: dict[str, str] = {}
        self.folder = Path() if path is None else path.parent
        self._what = what
        self._path = path
        if path is not None:
            self._read(path, what)

    def _read(self, path: Path, what: str) -> None:
        import yaml

        require_file(path, what, CampaignError)
        try:
            node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{path}, line {mark.line + 1}" if mark else str(path)
            problem = getattr(error, "problem", None) or "is not text"
            raise CampaignError(f"{where}: is not YAML: {problem}") from error
        if not isinstance(node, yaml.MappingNode):
            raise CampaignError(f"{path}: a {what} is a list of `key: value` lines")
        constructor = yaml.SafeLoader("")
        for key, value in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in self.values:
                raise CampaignError(f"{path}, line {line}: {name} is given twice")
            try:
                self.values[name] = (
                    str(value.value)
                    if _is_time(value)
                    else constructor.construct_object(value, deep=True)
                )
            except yaml.YAMLError as error:
                raise CampaignError(
                    f"{path}, line {line}: the value of {name} is not YAML"
                ) from error
            self.lines[name] = line

    def set(self, assignment: str, option: str | None = None) -> None:
        """Set a key from the command line; it replaces the value of the file.

        Args:
            assignment: ``key=value``, the value as in YAML.
            option: the option that gave it, if not ``--set``; for messages.

        Raises:
            CampaignError: it has no ``=``, or the value is not YAML.
        """
        import yaml

        name, equals, value = assignment.partition("=")
        if not equals or not name.strip():
            raise CampaignError(f"--set {assignment}: give KEY=VALUE, e.g. --set ps=2000")
        try:
            self.values[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise CampaignError(f"--set {assignment}: the value is not YAML") from error
        self.lines.pop(name.strip(), None)
        self._options[name.strip()] = option or f"--set {name.strip()}=…"

    def has(self, name: str) -> bool:
        """Return whether a key was given, in the file or as an option."""
        return name in self.lines or name in self._options

    def error(self, name: str, problem: str) -> CampaignError:
        """Return an error about one key, with its line."""
        if name in self.lines:
            return CampaignError(f"{self._path}, line {self.lines[name]}: {name}: {problem}")
        where = self._options.get(name, f"{self._path}: {name}")
        return CampaignError(f"{where}: {problem}")

    def build(self, kind: type[T], readers: dict[str, Callable[[Any], Any]]) -> T:
        """Return a dataclass made from the keys; refuse unknown and missing keys.

        Args:
            kind: the dataclass.
            readers: how each field is read; the text of a ValueError says what is expected.
        """
        known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
        for name in self.values:
            if name not in known:
                raise self.error(name, f"is unknown; the keys are {', '.join(known)}")
        values = {}
        for name, value in self.values.items():
            try:
                values[name] = readers[name](value)
            except (ValueError, TypeError) as error:
                raise self.error(name, f"{value!r}: {error}") from error
        try:
            return kind(**values)
        except TypeError:
            from dataclasses import MISSING

            needed = [
                name
                for name, field in known.items()
                if field.default is MISSING and field.default_factory is MISSING
            ]
            missing = [name for name in needed if name not in values]
            where = self._path or f"the {self._what}"
            raise CampaignError(f"{where}: {', '.join(missing)} is missing") from None


def as_assignments(described: Any) -> list[str]:
    """Return the ``key=value`` of what differs from the defaults in a campaign or a site."""
    return [
        f"{field.name}={json.dumps(getattr(described, field.name), ensure_ascii=False)}"
        for field in fields(described)
        if getattr(described, field.name) != field.default
    ]


def _is_time(node: Any) -> bool:
    """Return whether a value is like 24:00:00, which YAML reads as a number with base 60."""
    return node.tag == "tag:yaml.org,2002:int" and ":" in node.value


def number(low: float, high: float, unit: str) -> Callable[[Any], float]:
    """Return a reader of a number within bounds."""

    def read(value: Any) -> float:
        with suppress(ValueError):  # YAML reads 1e3 as a word
            value = float(value) if isinstance(value, str) else value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"a number is needed ({unit})")
        if not low <= value <= high:
            raise ValueError(f"has to be between {low:g} and {high:g} {unit}".rstrip())
        return float(value)

    return read


def count(low: int, high: int) -> Callable[[Any], int]:
    """Return a reader of a whole number within bounds."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("a whole number is needed")
        if not low <= value <= high:
            raise ValueError(f"has to be between {low} and {high}")
        return value

    return read


def each(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    """Return a reader of one value or a list of values."""

    def read_all(value: Any) -> tuple[T, ...]:
        items = value if isinstance(value, list) else [value]
        if not items:
            raise ValueError("the list is empty")
        return tuple(read(item) for item in items)

    return read_all


def several(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    """Return a reader of one value or a list of different values."""

    def read_all(value: Any) -> tuple[T, ...]:
        found = each(read)(value)
        if len(set(found)) < len(found):
            raise ValueError("a value is given twice")
        return found

    return read_all


def one_of(*names: str) -> Callable[[Any], str]:
    """Return a reader of one of several words."""

    def read(value: Any) -> str:
        if value not in names:
            raise ValueError(f"choose {' or '.join(names)}")
        return str(value)

    return read


def text(value: Any) -> str:
    """Read a word or a line."""
    if not isinstance(value, str | int | float) or "\n" in str(value):
        raise ValueError("a single line is needed")
    return str(value)


def word(value: object) -> str:
    """Return a name that needs no quotes in a shell."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise ValueError(f'YAML takes it as a number; put it in quotes: "{value}"')
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise ValueError("letters, digits, _ . and - only")
    return value
