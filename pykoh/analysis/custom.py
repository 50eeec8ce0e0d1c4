"""Observables of a user's own: where they are found, and whose name is on an error of theirs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.equilibration import Watched
from pykoh.analysis.common.shown import Shown
from pykoh.analysis.observable import Block, Factory, Frames, Observable, Outcome, System
from pykoh.analysis.state import gather
from pykoh.errors import ObservableError, PykohError

ENTRY_POINTS = "pykoh.observables"

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def installed_observables() -> list[Factory]:
    """Return the observables of installed packages, in the order of their entry points' names.

    Raises:
        ObservableError: one of them cannot be imported.
    """
    found: list[Factory] = []
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda each: each.name):
        with _blamed(f"{entry.name} ({entry.value})", "import"):
            found.append(entry.load())
    return found


@contextmanager
def _blamed(who: str, what: str) -> Iterator[None]:
    """Turn any error into one line that names the observable and what it was doing.

    Raises:
        ObservableError: the block raised an error that is not pykoh's own.
    """
    try:
        yield
    except PykohError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        raise ObservableError(
            f"observable {who}: {what} failed ({type(error).__name__}: {text})"
        ) from error


def _check(shown: Shown) -> None:
    """Refuse what no file can be written of.

    Raises:
        ValueError: a name, a number or a length is wrong.
    """
    keys = [row.key for row in shown.rows]
    if len(set(keys)) < len(keys):
        raise ValueError("two rows have the same key")
    for row in shown.rows:
        for number in (row.value, row.stderr):
            if number is not None and not math.isfinite(number):
                raise ValueError(f"row {row.key!r} is not a finite number; give None instead")
        if row.stderr is not None and row.stderr < 0:
            raise ValueError(f"row {row.key!r} has a standard error below 0")
    files = [curve.file for curve in shown.curves]
    if len(set(files)) < len(files):
        raise ValueError("two curves have the same file")
    for curve in shown.curves:
        if not _NAME.fullmatch(curve.file):
            raise ValueError(f"curve {curve.file!r}: its file must be small letters, digits and _")
        if not 2 <= len(curve.columns) == len(curve.values):
            raise ValueError(f"curve {curve.file!r}: each of two or more columns needs its values")
        if len({len(values) for values in curve.values}) > 1:
            raise ValueError(f"curve {curve.file!r}: its columns are not of one length")


class Custom(Observable[Any]):
    """An observable of a user's own; its errors name it.

    Args:
        factory: makes the observable.
        system: what is known of the run.

    Raises:
        ObservableError: it cannot be made, is no :class:`Observable`, or its name or ``STATE`` is
            not what the contract asks for.
    """

    STATE = ("_own",)

    def __init__(self, factory: Factory, system: System) -> None:
        super().__init__(system)
        made = getattr(factory, "func", factory)  # what a functools.partial calls
        self._who = f"{getattr(made, '__module__', '?')}.{getattr(made, '__qualname__', made)}"
        with _blamed(self._who, "making it"):
            own: Any = factory(system)
        if not isinstance(own, Observable):
            raise ObservableError(
                f"observable {self._who}: is no pykoh.analysis.observable.Observable"
            )
        if not isinstance(own.name, str) or not _NAME.fullmatch(own.name):
            raise ObservableError(
                f"observable {self._who}: its name is {own.name!r}; give it one of small letters, "
                "digits and _"
            )
        self._own: Observable[Any] = own
        self.name = own.name
        with _blamed(self._who, "its STATE"):
            gather(own)

    def per_frame(self, frames: Frames) -> Any:
        """Return what frames tell by themselves."""
        with _blamed(self._who, "per_frame"):
            return self._own.per_frame(frames)

    def add(self, block: Block, found: Any) -> None:
        """Take in frames that follow those before."""
        with _blamed(self._who, "add"):
            self._own.add(block, found)

    def settle(self) -> None:
        """Wait for what other threads compute."""
        with _blamed(self._who, "settle"):
            self._own.settle()

    def watched(self, start_ps: float, stop_ps: float) -> list[Watched]:
        """Return quantities that do not change in equilibrium."""
        with _blamed(self._who, "watched"):
            return self._own.watched(start_ps, stop_ps)

    def result(self, outcome: Outcome) -> tuple[Any, list[AnalysisWarning]]:
        """Return the result, and what is missing from it or doubtful about it."""
        with _blamed(self._who, "result"):
            found, warnings = self._own.result(outcome)
            return found, list(warnings)

    def shown(self, result: Any) -> Shown:
        """Return what is shown of the result.

        Raises:
            ObservableError: the observable does not say.
        """
        with _blamed(self._who, "shown"):
            shown = self._own.shown(result)
        if not isinstance(shown, Shown):
            raise ObservableError(f"observable {self._who}: shown() returned no pykoh Shown")
        with _blamed(self._who, "shown"):
            _check(shown)
        return shown

    def __getstate__(self) -> dict[str, Any]:
        """Keep the user's observable, which leaves its own state out."""
        return dict(vars(self))


def custom_observables(
    factories: Sequence[Factory], system: System, taken: Sequence[Observable[Any]]
) -> list[Custom]:
    """Return the observables of a user's own.

    Args:
        factories: make them.
        system: what is known of the run.
        taken: observables whose names are taken.

    Raises:
        ObservableError: one of them cannot be used, or a name is taken.
    """
    names = {each.name for each in taken}
    found = []
    for factory in factories:
        made = Custom(factory, system)
        if made.name in names:
            raise ObservableError(
                f"observable {made.name}: another one has this name; give it a name of its own"
            )
        names.add(made.name)
        found.append(made)
    return found
