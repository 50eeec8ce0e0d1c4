"""Time per force call: ASE with MACECalculator, the general route, the fast route.

Usage: python benchmarks/export_speed.py NAME.model [--atoms 165 300] [--threads 1 2] [--repeat 5]

Prints the shortest of several calls (ms). "ASE" is MACECalculator as a script would use it.
"kept" is the same with an allocator that keeps freed memory, as in pykoh's engines. The last three
are called by turns, so that other work on the machine affects them equally.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from pykoh.engines.spinning import OWN_CORES_SPIN_COUNT

# Before torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", OWN_CORES_SPIN_COUNT)
os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")


def box_of(n_atoms: int) -> Any:
    """Return a packed box of 6.26 mol/L KOH of about ``n_atoms``."""
    from ase import Atoms

    from pykoh.solution.composition import from_counts
    from pykoh.solution.packing import pack

    n_koh = max(1, round(n_atoms / 28.0))
    n_water = max(1, round((n_atoms - 3 * n_koh) / 3))
    box = pack(from_counts(n_koh, n_water), np.random.default_rng(0))
    side = box.composition.volume_A3 ** (1 / 3)
    return Atoms(list(box.symbols), positions=box.positions_A, cell=[side] * 3, pbc=True)


Evaluate = Callable[[np.ndarray], object]


def ase_calculator(model_path: str, dtype: str, box: Any) -> Evaluate:
    """Return MACE's own calculator as a function of positions."""
    from mace.calculators import MACECalculator

    calculator = MACECalculator(model_paths=model_path, device="cpu", default_dtype=dtype)

    def evaluate(positions: np.ndarray) -> object:
        atoms = box.copy()
        atoms.positions = positions
        atoms.calc = calculator
        return atoms.get_forces()

    return evaluate


def exported(artifact: Path, dtype: str, box: Any) -> Evaluate:
    """Return an artifact as a function of positions."""
    from pykoh.engines.periodic import PeriodicPotential

    potential = PeriodicPotential.from_file(artifact, dtype=dtype)
    species, cell = potential.species_of(box.get_chemical_symbols()), np.asarray(box.cell)
    return lambda positions: potential(positions, cell, species)


def shortest(
    calls: dict[str, Evaluate], box: Any, repeat: int, clock: Callable[[], float]
) -> dict[str, float]:
    """Return the shortest time of each, ms; they are called by turns."""
    rng = np.random.default_rng(0)
    best = dict.fromkeys(calls, np.inf)
    for turn in range(repeat + 2):
        positions = box.positions + rng.normal(scale=0.01, size=box.positions.shape)
        for name, call in calls.items():
            start = clock()
            call(positions)
            if turn > 1:  # the first calls compile
                best[name] = min(best[name], 1e3 * (clock() - start))
    return best


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--atoms", type=int, nargs="+", default=[165, 300])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument(
        "--cpu-time", action="store_true", help="CPU time of all threads, for a busy machine"
    )
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    import torch

    clock = time.process_time if args.cpu_time else time.perf_counter
    cases = list(product(args.atoms, ("float32", "float64"), args.threads))
    boxes = {n: box_of(n) for n in args.atoms}
    plain = {}
    for n, dtype, threads in cases:
        torch.set_num_threads(threads)
        call = {"plain": ase_calculator(args.model, dtype, boxes[n])}
        plain[n, dtype, threads] = shortest(call, boxes[n], args.repeat, clock)["plain"]

    from pykoh.engines.memory import keep_freed_memory
    from pykoh.export.export import export_model

    # From here on the whole process keeps freed memory, also for MACE's calculator.
    keep_freed_memory()
    columns = ("ASE ms", "kept", "general", "fast", "fast/ASE", "fast/kept")
    print(f"{'atoms':>6} {'dtype':>8} {'threads':>7}", *(f"{c:>9}" for c in columns))
    with TemporaryDirectory() as folder:
        artifacts = {route: Path(folder) / f"{route}.pt" for route in ("general", "fast")}
        for route, path in artifacts.items():
            export_model(args.model, path, route=route)
        for n, dtype, threads in cases:
            torch.set_num_threads(threads)
            calls = {"kept": ase_calculator(args.model, dtype, boxes[n])}
            calls |= {route: exported(path, dtype, boxes[n]) for route, path in artifacts.items()}
            best = shortest(calls, boxes[n], args.repeat, clock)
            ase = plain[n, dtype, threads]
            times = (ase, best["kept"], best["general"], best["fast"])
            ratios = (f"1/{t / best['fast']:.1f}" for t in times[:2])
            print(
                f"{len(boxes[n]):6d} {dtype:>8} {threads:7d}",
                *(f"{t:9.1f}" for t in times),
                *(f"{r:>9}" for r in ratios),
                flush=True,
            )


if __name__ == "__main__":
    main()
