"""Paths of the ions of a reactive box whose transport is known exactly, without its atoms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import exact


@dataclass(frozen=True)
class Tracks:
    """Paths of ions, [n_frames, n, 3], Å, in the frame of the centre of mass, and their hops.

    Of each ion, ``hops`` are the vectors and ``frames`` the frames.
    """

    cations: np.ndarray
    hydroxides: np.ndarray
    structural: np.ndarray
    oxygens: np.ndarray
    hops: list[np.ndarray]
    frames: list[np.ndarray]
    truth: dict[str, float]


def tracks(rng: np.random.Generator, box: exact.Box, temperature: float = 300.0) -> Tracks:
    """Return paths with the statistics of :func:`exact.reactive_box`, without its atoms."""
    n_frames, n = round(box.duration / box.dt) + 1, box.n_ions
    chance = 1.0 / (1.0 / (box.rate * box.dt) - box.dead + 1)
    structural, hops, frames = np.zeros((n_frames, n, 3)), [], []
    for ion in range(n):
        frames.append(exact.hop_times(rng, n_frames, chance, box.dead))
        hops.append(exact.hop_vectors(rng, len(frames[-1]), box.returns, box.spacing, lattice=True))
        structural[frames[-1], ion] = hops[-1]
    structural = structural.cumsum(axis=0)
    cations = exact.walkers(rng, n_frames, n, box.cation, box.dt) + box.drag * structural
    n_o = n * box.sites**3
    mass = (
        n * exact.MASSES[exact.K]
        + n_o * exact.MASSES[exact.O]
        + (2 * n_o - n) * exact.MASSES[exact.H]
    )
    of_cation = exact.MASSES[exact.K] / mass
    centre = of_cation * cations.sum(axis=1)[:, None]

    def rattles(many: int) -> np.ndarray:
        return box.rattle * exact.ornstein_uhlenbeck(rng, n_frames, (many, 3), 0.2, box.dt)

    rate = 1.0 / ((box.dead - 1 + 1.0 / chance) * box.dt)
    truth = exact.box_truth(box, rate, of_cation, temperature)
    return Tracks(
        cations - centre, structural + rattles(n) - centre, structural,
        rattles(min(n_o, 64)) - centre, hops, frames, truth,
    )  # fmt: skip
