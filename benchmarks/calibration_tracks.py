"""Rows of benchmarks/calibration.py: D, conductivity and ratios from paths, without a dump.

The paths are those of the reactive box (tests/exact.py). A row of dumps takes a hundred times as
long. The memory of hops comes from the generated hops, with their counting errors.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from calibration_rows import TEMPERATURE, Found, Row, of_transport, squares

import exact
import exact_tracks
from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.hops.lasting import LastingMoves
from pykoh.analysis.transport import diffusion as of_diffusion
from pykoh.analysis.transport.conductivity import conductivity, ion_tracks
from pykoh.analysis.transport.hop_walk import HopWalk, hop_walk
from pykoh.arrays import FloatArray


def _walk(made: exact_tracks.Tracks, box: exact.Box) -> HopWalk:
    """Return the statistics of the generated hops."""
    n = sum(len(vectors) for vectors in made.hops)
    turns = np.concatenate([(v[1:] * v[:-1]).sum(axis=1) for v in made.hops]) / box.spacing**2
    time = box.n_ions * box.duration
    stderr = float(turns.std() / np.sqrt(len(turns)))
    rate = Estimate.rate(n / time, np.sqrt(n) / time)
    return HopWalk(rate, box.spacing**2, Estimate.number(turns.mean(), stderr), n)


def _transfers(made: exact_tracks.Tracks) -> tuple[NDArray[np.int64], FloatArray]:
    """Return the hops as transfers: [n, 4] frame, ion, from, to, and [n, 3] their vectors, Å."""
    rows, vectors = [], []
    for ion, (frames, hops) in enumerate(zip(made.frames, made.hops, strict=True)):
        before, here, newest = -1, ion, ion
        for k, frame in enumerate(frames):
            back = k > 0 and np.array_equal(hops[k], -hops[k - 1])
            newest += 0 if back else len(made.hops)
            before, here = here, before if back else newest
            rows.append((frame, ion, before, here))
            vectors.append(hops[k])
    order = np.argsort([row[0] for row in rows], kind="stable")
    events = np.array(rows, dtype=np.int64).reshape(-1, 4)[order]
    return events, np.array(vectors, dtype=np.float64).reshape(-1, 3)[order]


def _parts(
    made: exact_tracks.Tracks, box: exact.Box
) -> tuple[FloatArray, FloatArray, HopWalk | None]:
    """Return vehicular and structural displacement, and the walk of the hops that last."""
    moves = LastingMoves(box.n_ions, box.dt, box.dead * box.dt)
    total = made.hydroxides - made.hydroxides[:1]
    found = moves.add(total, *_transfers(made)), moves.finish()
    vehicular, structural = (np.concatenate(each) for each in zip(*found, strict=True))
    return vehicular, structural, hop_walk(moves.hops, moves.directionality())


def _found(rng: np.random.Generator, box: exact.Box) -> list[Found]:
    made = exact_tracks.tracks(rng, box, TEMPERATURE)
    vehicular, structural, lasting = _parts(made, box)
    paths = {
        "K+": made.cations,
        "OH-": made.hydroxides,
        "OH-_vehicular": vehicular,
        "OH-_structural": structural,
        "O": made.oxygens,
    }
    n_frames = len(made.cations)
    charge = tuple(squares(track) for track in ion_tracks(made.cations, made.hydroxides))
    walk = _walk(made, box)
    run = of_diffusion.DiffusionInput(box.dt, n_frames, None, walk, charge, lasting=lasting)
    moments = {name: squares(path) for name, path in paths.items()}
    none = of_diffusion.SizeCorrection(None, None, None)
    found, _ = of_diffusion.diffusion(moments, run, none)  # type: ignore[arg-type]
    summary: Any = SimpleNamespace(
        volume_A3=box.edge**3, temperature_K=TEMPERATURE, frame_interval_ps=box.dt,
        n_frames=n_frames, cation="K", molarity_mol_per_L=1.0, no_bulk=None,
    )  # fmt: skip
    ions = [found.of("K+"), found.of("OH-")]
    memory = [ion.memory_ps or 0.0 for ion in ions if ion is not None]
    few = walk.too_few(memory[1])
    kappa, _ = conductivity(summary, ions, charge, None, max(1.0, *memory), few)
    return of_transport(found, kappa, made.truth)


def track_rows() -> Iterator[Row]:
    """Yield rows of paths."""
    plain = exact.Box(3, 100.0)
    for name, box in (
        ("2.9 mol/L, 3 ions, 50 % returns, 100 ps", plain),
        ("0.4 mol/L, 2 ions, 50 % returns, 100 ps", exact.Box(2, 100.0, sites=5)),
        ("2.9 mol/L, 3 ions, no returns, dragged cations, 100 ps",
         replace(plain, returns=0.0, cation=0.3, drag=0.1)),
        ("2.9 mol/L, 3 ions, 50 % returns, 400 ps", replace(plain, duration=400.0)),
        ("7.7 mol/L, 8 ions, 50 % returns, dragged cations, 100 ps", exact.Box(8, 100.0, drag=0.2)),
        ("15.4 mol/L, 16 ions, 30 % returns, dragged cations, 50 ps",
         exact.Box(16, 50.0, returns=0.3, drag=0.2)),
        ("1.0 mol/L, 1 ion, 50 % returns, 400 ps", exact.Box(1, 400.0)),
    ):  # fmt: skip

        def make(rng: np.random.Generator, box: exact.Box = box) -> list[Found]:
            return _found(rng, box)

        yield Row(f"paths, {name}", make, 200)
