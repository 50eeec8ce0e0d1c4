"""How far is the structure of the potential from that of the DFT itself? To first order.

    python dft_structure.py ../koh.pt ../../data/koh-blyp-d3-labels.extxyz.xz

In the ensemble of the DFT, whose energy is that of the potential plus D, the mean of any A is

    <A>_DFT = <A> - (<A D> - <A> <D>) / kT + ...    (Zwanzig, doi:10.1063/1.1740409)

with the means of the potential's ensemble. With A the histogram of distances, this is g(r) with the
frame weights 1 - (D - <D>) / kT, <D> being that of frames of the same box and temperature. The
labelled frames were sampled with earlier states of the potential, whose ensemble is taken for its
own.

Printed is by how much these weights move the mean distance of the first shell and the first peak
of g(r), with standard errors (bootstrap over trajectories), and the spread of D / kT. A peak is
known less well than a mean: few pairs decide where it is.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms, units

from pykoh.analysis.structure.first_peak import first_peak
from pykoh.analysis.structure.rdf import BIN_A
from pykoh.engines.calculator import PykohCalculator
from pykoh.errors import PykohError
from pykoh.reference.labels import read_labels

# Pairs of elements, and where their first shell ends (Å): the minimum of g(r).
SHELLS = {"O–O": ("O", "O", 3.1), "K–O": ("K", "O", 3.5)}
SHELLS_BEGIN_A = 2.2
EDGES_A = BIN_A * np.arange(round(5.0 / BIN_A) + 1)
RESAMPLED = 500


def histogram(frame: Atoms, first: str, second: str) -> np.ndarray:
    """Return the number of pairs of two elements per bin of distance."""
    symbols = np.array(frame.get_chemical_symbols())
    others = np.flatnonzero(symbols == second)
    atoms = np.flatnonzero(symbols == first)
    distances = [frame.get_distances(i, others, mic=True) for i in atoms]
    counts = np.histogram(np.concatenate(distances), EDGES_A)[0].astype(float)
    counts[0] = 0.0  # of atoms with themselves
    return counts


def mean_of_shell(total: np.ndarray, end: float) -> float:
    """Return the mean distance of the first shell, Å."""
    middle = 0.5 * (EDGES_A[1:] + EDGES_A[:-1])
    own = (middle > SHELLS_BEGIN_A) & (middle < end)
    return float(total[own] @ middle[own] / total[own].sum())


def peak(total: np.ndarray, end: float) -> float:
    """Return the position of the first peak, Å."""
    density = total / np.diff(EDGES_A**3)
    low, high = round(SHELLS_BEGIN_A / BIN_A), round(end / BIN_A)
    at = low + int(density[low:high].argmax())
    # The density of the bulk does not move a maximum: one of the right size will do.
    bulk = total.sum() / EDGES_A[-1] ** 3 / (4.0 / 3.0 * np.pi)
    return first_peak(total[None], np.array([bulk]), 1, at).r_A.value


def shift(
    measure: Callable[[np.ndarray, float], float],
    histograms: np.ndarray,
    end: float,
    excess: np.ndarray,
    groups: np.ndarray,
) -> float:
    """Return by how much the weights of the DFT move a measure, Å.

    Args:
        measure: of a histogram and the end of the shell.
        histograms: ``[n_frames, n_bins]``.
        end: of the first shell, Å.
        excess: ``[n_frames]`` D / kT.
        groups: ``[n_frames]``: of the same box and temperature.
    """
    weights = np.ones(len(excess))
    for group in np.unique(groups):
        own = groups == group
        weights[own] -= excess[own] - excess[own].mean()
    return measure(weights @ histograms, end) - measure(histograms.sum(0), end)


def row(molarity: float, frames: list[Atoms], calculator: PykohCalculator) -> str:
    """Return the row of one concentration."""
    temperatures = np.array([frame.info["temperature_K"] for frame in frames])
    excess = np.empty(len(frames))
    for i, frame in enumerate(frames):
        box = Atoms(frame.symbols, frame.positions, cell=frame.cell, pbc=True)
        box.calc = calculator
        excess[i] = frame.info["REF_energy"] - box.get_potential_energy()
    excess /= units.kB * temperatures
    variances = [excess[temperatures == each].var() for each in np.unique(temperatures)]
    runs = np.array([frame.info["run"] for frame in frames])
    trajectories = [np.flatnonzero(runs == run) for run in np.unique(runs)]
    rng = np.random.default_rng(0)
    cells = [f"{molarity:.2f}", str(len(frames)), f"{np.sqrt(np.mean(variances)):.1f}"]
    for measure in (mean_of_shell, peak):
        for first, second, end in SHELLS.values():
            histograms = np.array([histogram(frame, first, second) for frame in frames])
            found = []
            for _ in range(RESAMPLED):
                drawn = rng.integers(0, len(trajectories), len(trajectories))
                own = np.concatenate([trajectories[k] for k in drawn])
                found.append(shift(measure, histograms[own], end, excess[own], temperatures[own]))
            value = shift(measure, histograms, end, excess, temperatures)
            cells.append(f"{value:+.3f} ± {np.std(found):.3f}")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Evaluate the potential on all labels and print a row per concentration."""
    if len(sys.argv) != 3:
        raise SystemExit("Usage: python dft_structure.py POTENTIAL.pt LABELS.extxyz")
    frames: dict[float, list[Atoms]] = defaultdict(list)
    try:
        calculator = PykohCalculator(sys.argv[1], dtype="float64")
        for frame in read_labels([Path(sys.argv[2])]).frames:
            frames[frame.info["molarity"]].append(frame)
    except PykohError as err:
        raise SystemExit(f"Error: {err}") from err
    names = [f"{name} {what} (Å)" for what in ("shell", "peak") for name in SHELLS]
    print(f"| mol/L | frames | spread of D/kT | {' | '.join(names)} |")
    print("|---" * (3 + len(names)) + "|")
    for molarity, own in sorted(frames.items()):
        print(row(molarity, own, calculator))


if __name__ == "__main__":
    main()
