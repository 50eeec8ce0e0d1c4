"""Did the run begin in equilibrium? The first quarter of a run against its second half.

A box straight from packing, or from another temperature, drifts at first, and averages over the
whole run are then those of no liquid. What is compared: temperature and potential energy of
NAME.pressure.txt, or the temperature of velocities; hydrogen bonds between water molecules; and
g(r), as the neighbours within the first shell of oxygen and of the cations. A difference counts
where it is larger than four standard errors, which those of the second half give, correlation in
time included (:mod:`pykoh.analysis.common.statistics`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.record_rows import complete_rows
from pykoh.analysis.common.statistics import N_SEGMENTS, ratio_stderr
from pykoh.arrays import FloatArray

SIGNIFICANT = 4.0
HALVES_APART = 3.0
_FEWEST = 16  # segments of time
_SMALLEST = 0.01
"""A smaller part of the value is no matter, however well it is known."""

_COLUMNS = {"temperature_K": ("temperature", " K"), "potential_eV": ("potential energy", " eV")}


@dataclass(frozen=True, slots=True)
class Watched:
    """A quantity that does not change in equilibrium.

    Attributes:
        name: what it is.
        unit: with a blank before it, or empty.
        numerator: [n], sums over segments of time, in order.
        denominator: [n], of the same segments.
        smallest: a smaller difference is no matter, in the unit; None: 1 % of the value.
    """

    name: str
    unit: str
    numerator: FloatArray
    denominator: FloatArray
    smallest: float | None = None


def drifts(watched: Iterable[Watched]) -> tuple[str, ...] | None:
    """Return what drifts, in words; None if nothing is long enough to tell."""
    enough = [each for each in watched if len(each.numerator) >= _FEWEST]
    if not enough:
        return None
    found = (
        words(each.name, each.unit, drift(each.numerator, each.denominator, each.smallest))
        for each in enough
    )
    return tuple(text for text in found if text is not None)


def drift_warnings(found: tuple[str, ...] | None) -> list[AnalysisWarning]:
    """Return the warning about what drifts."""
    if not found:
        return []
    reason = (
        f"the run does not begin in equilibrium: {'; '.join(found)}; "
        "leave out its beginning with --start PS, or equilibrate first"
    )
    return [AnalysisWarning("input.equilibration", reason)]


def record(paths: Sequence[str], start_ps: float, stop_ps: float) -> list[Watched]:
    """Return temperature and potential energy of NAME.pressure.txt files of one run.

    Args:
        paths: files that can be read; columns that they lack are left out.
        start_ps: first time that counts.
        stop_ps: last time that counts.
    """
    tables: dict[str, list[NDArray[np.float64]]] = {name: [] for name in ("time_ps", *_COLUMNS)}
    for path in paths:
        with Path(path).open(encoding="utf-8", errors="replace") as stream:
            header = [line[1:].split() for line in (next(stream, ""), next(stream, ""))]
            names = next((words for words in header if "time_ps" in words), [])
            known = [name for name in tables if name in names]
            if "time_ps" not in known:
                return []
            try:
                table = complete_rows(stream, [names.index(name) for name in known])
            except ValueError:
                return []
        for name, column in zip(known, table.T, strict=True):
            tables[name].append(column)
    times = np.concatenate(tables["time_ps"])
    inside = (times >= start_ps) & (times <= stop_ps)
    found = []
    for name, (title, unit) in _COLUMNS.items():
        if len(tables[name]) < len(paths):
            continue
        values = np.concatenate(tables[name])[inside]
        length = max(len(values) // N_SEGMENTS, 1)
        n = len(values) // length
        sums = values[: n * length].reshape(n, length).sum(axis=1)
        # An energy has no zero: what matters is its change against its fluctuation.
        smallest = 0.0 if name == "potential_eV" else None
        found.append(Watched(title, unit, sums, np.full(n, float(length)), smallest))
    return found


def drift(
    numerator: FloatArray, denominator: FloatArray, smallest: float | None = None
) -> tuple[float, float] | None:
    """Return a mean over the first quarter and over the second half, or None if they agree.

    Args:
        numerator: [n], sums over segments of time, in order.
        denominator: [n], of the same segments.
        smallest: a smaller difference is no matter; None: 1 % of the value.
    """
    n = len(numerator)
    if n < _FEWEST:
        return None
    first, last = slice(0, n // 4), slice(n // 2, n)
    below = denominator[first].sum(), denominator[last].sum()
    if min(below) <= 0:
        return None
    early, late = (float(numerator[part].sum() / denominator[part].sum()) for part in (first, last))
    stderr = ratio_stderr(numerator[last], denominator[last])
    if stderr is None:
        return None
    # The first quarter is half as long as the second half.
    apart = abs(early - late) / max(stderr * np.sqrt(3.0), 1e-300)
    least = _SMALLEST * abs(late) if smallest is None else smallest
    if apart < SIGNIFICANT or abs(early - late) < least:
        return None
    return early, late


def halves(numerator: FloatArray, denominator: FloatArray) -> tuple[float, float] | None:
    """Return a mean over each half of a run, or None if they agree within three standard errors.

    Args:
        numerator: [n], sums over segments of time, in order.
        denominator: [n], of the same segments.
    """
    n = len(numerator)
    if n < _FEWEST:
        return None
    values, errors = [], []
    for part in (slice(0, n // 2), slice(n // 2, n)):
        below = denominator[part].sum()
        stderr = ratio_stderr(numerator[part], denominator[part])
        if below <= 0 or stderr is None:
            return None
        values.append(float(numerator[part].sum() / below))
        errors.append(stderr)
    apart = abs(values[0] - values[1])
    if apart <= HALVES_APART * float(np.hypot(errors[0], errors[1])) or apart == 0.0:
        return None
    return values[0], values[1]


def halves_warning(
    quantity: str, unit: str, numerator: FloatArray, denominator: FloatArray
) -> list[AnalysisWarning]:
    """Return the warning that the halves of a run differ, or nothing."""
    found = halves(numerator, denominator)
    if found is None:
        return []
    reason = (
        f"the halves of the run differ by more than their errors: {found[0]:.3g} and "
        f"{found[1]:.3g} {unit}; run longer"
    )
    return [AnalysisWarning(quantity, reason)]


def words(name: str, unit: str, found: tuple[float, float] | None) -> str | None:
    """Return what drifts, or None if nothing does."""
    if found is None:
        return None
    # As many digits as tell the two apart.
    apart = abs(found[0] - found[1])
    digits = 4 + max(0, int(np.ceil(np.log10(max(abs(found[1]), apart) / apart / 100.0))))
    first, last = (f"{value:.{digits}g}{unit}" for value in found)
    return f"{name} {first} in the first quarter, {last} in the second half"
