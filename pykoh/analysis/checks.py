"""Checks of a run and of the options, which need the first frame or the length of the run."""

from __future__ import annotations

import math

from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.hydrogen_bonds.criteria import CRITERIA
from pykoh.analysis.settings import Settings
from pykoh.errors import TrajectoryError
from pykoh.trajectory.molecules import check_types
from pykoh.trajectory.run import FrameBlock, Run
from pykoh.trajectory.species import HYDROGEN, OXYGEN

_TEMPERATURE_SHARE = 0.1  # a larger difference of temperatures is no thermostat's

NEAREST_A = {"--contact": 1.5, "--hbond-distance": 2.2}
"""No two atoms are nearer: Li-O is 1.9 Å, and two oxygens that share a proton are 2.4 Å apart."""

LONGEST_SHARE = 0.5
"""Of the run. A longer lag has less than two windows that do not overlap: nothing to average."""


def check_solution(run: Run, first: FrameBlock) -> None:
    """Refuse atoms that are no solution of a hydroxide.

    Args:
        run: the run.
        first: its first block; without positions (an analysis goes on) these are not checked.

    Raises:
        TrajectoryError: there is no oxygen, no hydrogen, more O than H, more H than in water, or
            the atoms of the first frame form no water, hydroxide and cations.
    """
    atoms, name = run.atoms, run.paths[0]
    types = f"is --types right (now {','.join(run.options.species_map.types)})?"
    counts = {}
    for species, element in ((OXYGEN, "O"), (HYDROGEN, "H")):
        counts[element] = int((atoms.species == species).sum())
        if not counts[element]:
            raise TrajectoryError(f"{name}: has no {element} atoms; {types}")
    if counts["O"] > counts["H"]:
        raise TrajectoryError(
            f"{name}: has more O than H atoms, which no water or hydroxide has; {types}"
        )
    if counts["H"] > 2 * counts["O"]:
        raise TrajectoryError(
            f"{name}: has {counts['H']} H and {counts['O']} O atoms, more than two H for each O, "
            f"which no water or hydroxide has; {types}"
        )
    if first.positions.shape[1] == 0:
        return
    reason = check_types(first.positions[0], first.cells[0], atoms)
    if reason is not None:
        raise TrajectoryError(
            f"{name}: H, O and {atoms.cation} do not fit its first frame ({reason}); {types}"
        )


def check_temperature(
    settings: Settings, recorded: Estimate | None, first_ps: float, last_ps: float
) -> None:
    """Refuse a temperature of the user that is not that of the pressure record.

    Args:
        settings: definitions.
        recorded: mean of the record, K, or None.
        first_ps: first time of the mean.
        last_ps: last time of the mean.
    """
    given = settings.temperature_K
    if given is None or recorded is None:
        return
    # A short mean of few atoms fluctuates.
    slack = _TEMPERATURE_SHARE * given + 5.0 * (recorded.stderr or 0.0)
    if recorded.stderr is None or abs(given - recorded.value) <= slack:
        return
    raise TrajectoryError(
        f"--temperature {given:g}: {', '.join(settings.pressure_files)} says "
        f"{recorded.value:.4g} K (column temperature_K{_span(first_ps, last_ps)}); give the "
        "temperature of the run in kelvin, or leave it out"
    )


def _span(first_ps: float, last_ps: float) -> str:
    if math.isinf(last_ps):
        return "" if first_ps <= 0.0 else f", from {first_ps:g} ps on"
    return f", {first_ps:g} to {last_ps:g} ps"


def check_distances(settings: Settings, height_A: float) -> None:
    """Refuse distances of the user that are too short to find anything, or longer than half a cell.

    The published criteria of hydrogen bonds are not refused: in a small cell bonds are left out.

    Args:
        settings: definitions.
        height_A: smallest distance between opposite faces of the cell, Å.
    """
    longest = 0.5 * height_A
    bond = settings.criterion.max_distance_A
    published = max(criterion.max_distance_A for criterion in CRITERIA.values())
    given = {"--contact": settings.contact_A or 0.0}
    if settings.criterion.changed_by_user and not NEAREST_A["--hbond-distance"] < bond <= published:
        given["--hbond-distance"] = bond
    for option, distance in given.items():
        if 0.0 < distance < NEAREST_A[option]:
            raise TrajectoryError(
                f"{option} {distance:g}: these atoms are always more than {NEAREST_A[option]:g} Å "
                "apart, so nothing would be found; give a larger one, or leave it out"
            )
        if distance > longest:
            raise TrajectoryError(
                f"{option} {distance:g}: is longer than half of the cell, which is "
                f"{height_A:.3g} Å high; give at most {_rounded_down(longest)} Å, or leave it out"
            )


def check_windows(settings: Settings, duration_ps: float) -> None:
    """Refuse windows of time that are too long for the run.

    Args:
        settings: definitions; the default rattle window passes.
        duration_ps: from the first to the last frame.
    """
    longest = LONGEST_SHARE * duration_ps
    window = settings.fit_window_ps
    if window is not None and window[1] > longest * (1.0 + 1e-9):
        raise TrajectoryError(
            f"--fit {window[0]:g},{window[1]:g}: the run is {duration_ps:g} ps long, and lags "
            f"above half of it have too few data; END is at most {_rounded_down(longest)}"
        )
    rattle = settings.rattle_window_ps
    if rattle > max(longest * (1.0 + 1e-9), Settings().rattle_window_ps):
        raise TrajectoryError(
            f"--rattle-window {rattle:g}: is longer than half of the run of {duration_ps:g} ps, so "
            f"most transfers cannot be told from rattles; give at most {_rounded_down(longest)} ps"
        )


def _rounded_down(value: float) -> str:
    """Return three digits that are not above the value."""
    if value <= 0.0:
        return "0"
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    return f"{math.floor(value / unit + 1e-9) * unit:.3g}"
