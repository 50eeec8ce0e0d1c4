"""What a series needs of one run: from its analysis, or from ``results.json`` of an earlier one.

The part ``series`` of ``results.json`` holds it, so that runs of several machines or months are
combined without their trajectories.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.estimate_views import keys
from pykoh.analysis.common.shown import Json
from pykoh.analysis.hops.windows import STRUCTURAL_WINDOW
from pykoh.analysis.results.analysis_results import AnalysisResults
from pykoh.analysis.results.names import PART_OF_SERIES, RESULTS_JSON
from pykoh.analysis.series_quantities import PARTS_OF_HYDROXIDE, QUANTITIES, Quantity
from pykoh.errors import ResultsError

_AGAIN = "analyse its trajectory again"
_DEFINITIONS = (
    "hydrogen_bond_max_distance_A",
    "hydrogen_bond_max_angle_deg",
    "hydrogen_bond_criterion",
    "rattle_window_ps",
    STRUCTURAL_WINDOW,
)
"""Keys of ``definitions``. Results with different ones are different quantities."""


@dataclass(frozen=True, slots=True)
class SeriesRun:
    """One run of a series.

    Attributes:
        name: of the run.
        cation: element.
        n_koh: cations in the box.
        n_h2o: water molecules in the box.
        n_atoms: atoms in the box.
        molarity_mol_per_L: KOH per volume.
        temperature: K, or None.
        duration_ps: from the first to the last frame.
        bulk: the volume of the box is that of a solution.
        values: key of a quantity -> its value, or None if the run does not give it.
        doubts: key of a quantity, ``""`` for all of them -> why its value should be trusted less.
        definitions: name of a definition -> its value; runs with other ones cannot be combined.
    """

    name: str
    cation: str
    n_koh: int
    n_h2o: int
    n_atoms: int
    molarity_mol_per_L: float
    temperature: Estimate | None
    duration_ps: float
    bulk: bool
    values: Mapping[str, Estimate | None]
    doubts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    definitions: Mapping[str, Any] = field(default_factory=dict)

    @property
    def temperature_K(self) -> float | None:  # noqa: N802  (K, as in the fields)
        """The temperature without its error, K; None if unknown."""
        return None if self.temperature is None else self.temperature.value


def run_of_series(name: str, results: AnalysisResults) -> SeriesRun:
    """Return what a series needs of the results of a run."""
    given = results.input
    definitions: dict[str, Json] = {}
    for output in results.outputs().values():
        definitions |= output.definitions
    contacts = results.structure.contacts
    found = {key: definitions[key] for key in _DEFINITIONS if key in definitions}
    if contacts is not None:
        found["contact_A"] = contacts.cutoff_A
    general = [w.reason for w in results.warnings if w.quantity == "input.equilibration"]
    doubts = {"": general} | {entry.key: entry.doubts(results) for entry in QUANTITIES}
    return SeriesRun(
        name,
        given.cation,
        given.n_koh,
        given.n_h2o,
        given.n_atoms,
        given.molarity_mol_per_L,
        given.temperature,
        given.duration_ps,
        given.no_bulk is None,
        {entry.key: entry.of(results) for entry in QUANTITIES},
        {key: reasons for key, reasons in doubts.items() if reasons},
        found,
    )


def part_of_series(results: AnalysisResults) -> dict[str, Json]:
    """Return the key ``series`` of ``results.json``; the rest of a run is in its ``input``."""
    run = run_of_series("", results)
    return {
        PART_OF_SERIES: {
            "bulk": run.bulk,
            "values": {key: _value(found) for key, found in run.values.items()},
            "doubts": {key: list(reasons) for key, reasons in run.doubts.items()},
            "definitions": dict(run.definitions),
        }
    }


def _value(estimate: Estimate | None) -> Json:
    if estimate is None:
        return None
    tree: dict[str, Json] = dict(keys(estimate, "value", "stderr", "interval_95"))
    tree["error_from"] = estimate.reason or estimate.how.value
    return tree


def results_file(path: str | Path) -> Path | None:
    """Return the ``results.json`` that a path names, or None if it names a trajectory.

    A folder is always taken for results: there is no trajectory that is one.
    """
    place = Path(path)
    if place.is_dir():
        return place / RESULTS_JSON
    return place if place.suffix.lower() == ".json" else None


def read_run(file: Path, name: str) -> SeriesRun:
    """Return a run from its ``results.json``.

    Args:
        file: ``results.json``, under any name.
        name: of the run.

    Raises:
        ResultsError: the file is missing, is no ``results.json``, or one of an earlier pykoh that
            did not write what a series needs.
    """
    try:
        tree = json.loads(file.read_text(encoding="utf-8"))
        if "points" in tree:
            raise ResultsError(
                f"{file}: is a whole series, not a run; name the results of its runs, or compare "
                "series with pykoh compare"
            )
        if PART_OF_SERIES not in tree and "input" in tree:
            raise ResultsError(f"{file}: was made by an earlier pykoh; {_AGAIN}")
        return _read(tree, name)
    except OSError as error:
        raise ResultsError(
            f"{file}: {error.strerror or error}; name a trajectory, or results of pykoh analyze"
        ) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ResultsError(f"{file}: is no {RESULTS_JSON} of pykoh analyze; {_AGAIN}") from error


def _read(tree: dict[str, Any], name: str) -> SeriesRun:
    given, part = tree["input"], tree[PART_OF_SERIES]
    kelvin, error = given["temperature_K"], given["temperature_stderr_K"]
    values: dict[str, Estimate | None] = {
        entry.key: _estimate(entry, part["values"].get(entry.key)) for entry in QUANTITIES
    }
    if STRUCTURAL_WINDOW not in part["definitions"]:
        # Earlier versions took each transfer as a step: these were other quantities.
        values |= dict.fromkeys(PARTS_OF_HYDROXIDE)
    return SeriesRun(
        name,
        str(given["cation"]),
        int(given["n_koh"]),
        int(given["n_h2o"]),
        int(given["n_atoms"]),
        _size(given["molarity_mol_per_L"], int(given["n_koh"]) > 0),
        None if kelvin is None else Estimate.number(kelvin, error, reason="it was given"),
        _size(given["duration_ps"]),
        bool(part["bulk"]),
        values,
        {str(key): tuple(map(str, reasons)) for key, reasons in part["doubts"].items()},
        dict(part["definitions"]),
    )


def _size(found: float, positive: bool = False) -> float:
    """Return a finite number that is not negative; raise ValueError for another one."""
    number = float(found)
    if not 0.0 <= number < float("inf") or (positive and number == 0.0):
        raise ValueError(f"{found} is no length or concentration of a run")
    return number


def _estimate(entry: Quantity, found: dict[str, Any] | None) -> Estimate | None:
    if found is None:
        return None
    ends = found["interval_95"]
    # A later pykoh may have other ways to obtain an error.
    how = next((each for each in How if each.value == found["error_from"]), How.BLOCKS)
    interval = None if ends is None else (ends[0], ends[1])
    return entry.read(found["value"], found["stderr"], how, interval, found["error_from"])


def require_one_definition(runs: Sequence[SeriesRun]) -> None:
    """Check that all runs were analysed with the same definitions, and are different runs.

    Raises:
        ResultsError: two runs were analysed with different options, or are the same one.
    """
    for number, run in enumerate(runs):
        for other in runs[:number]:
            for key in run.definitions.keys() & other.definitions.keys():
                one, two = other.definitions[key], run.definitions[key]
                if one != two and (key != "contact_A" or run.cation == other.cation):
                    raise ResultsError(
                        f"{run.name}: has {key} {two}, {other.name} has {one}: these are different "
                        "quantities; analyse the trajectories again, with the same options"
                    )
            if _is_copy(run, other):
                raise ResultsError(
                    f"{run.name}: has the same numbers as {other.name}, so it is not another run; "
                    "name each run once"
                )
            if _is_in_another_format(run, other):
                raise ResultsError(
                    f"{run.name}: agrees with {other.name} in all numbers, far better than "
                    "independent runs do, so it is the same run in another format; "
                    "name each run once"
                )


def _measured(run: SeriesRun, other: SeriesRun) -> list[tuple[Estimate, Estimate]]:
    """Return the quantities of two runs that both have, and that are not all or nothing."""
    both = zip(run.values.values(), other.values.values(), strict=True)
    return [
        (one, two)
        for one, two in both
        if one is not None and two is not None and one.value not in (0.0, 1.0)
    ]


def _is_copy(run: SeriesRun, other: SeriesRun) -> bool:
    """Return whether two runs have the same values; those of independent runs differ."""
    measured = _measured(run, other)
    return len(measured) > 3 and all(one.value == two.value for one, two in measured)


def _is_in_another_format(run: SeriesRun, other: SeriesRun) -> bool:
    """Return whether two runs are one whose coordinates were rounded.

    Then all values agree within a fifth of their standard errors, most of them much better.
    An independent run comes as close in one of nine values, and in six values that are independent
    of each other in less than one of 100,000 series.
    """
    if (run.n_koh, run.n_atoms) != (other.n_koh, other.n_atoms):
        return False
    if not math.isclose(run.duration_ps, other.duration_ps, rel_tol=1e-4):
        return False
    apart = [
        abs(one.value - two.value) / one.stderr for one, two in _measured(run, other) if one.stderr
    ]
    return len(apart) > 5 and max(apart) < 0.2 and sorted(apart)[len(apart) // 2] < 0.05
