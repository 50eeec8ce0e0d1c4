"""Time per force call: ASE with MACECalculator, the general route, the fast route.

Usage: python benchmarks/export_speed.py NAME.model [--atoms 165 300] [--threads 1 2] [--repeat 5] [--cpu-time]

Prints the shortest of several calls (ms), and the ratio to ASE. The three are timed in turn, so
that other work on the machine meets them alike.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable

import numpy as np

# Before torch is imported: busy cores otherwise spin on each other.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")


def box_of(n_atoms: int):
    """Return a packed box of 6.26 mol/L KOH of about ``n_atoms``."""
    from ase import Atoms

    from pykoh.solution.composition import from_counts
    from pykoh.solution.packing import pack

    n_koh = max(1, round(n_atoms / 28.0))
    n_water = max(1, round((n_atoms - 3 * n_koh) / 3))
    box = pack(from_counts(n_koh, n_water), np.random.default_rng(0))
    side = box.composition.volume_A3 ** (1 / 3)
    return Atoms(list(box.symbols), positions=box.positions_A, cell=[side] * 3, pbc=True)


def routes(model_path: str, dtype: str, box) -> dict[str, Callable[[np.ndarray], object]]:
    """Return a function of positions for each way to evaluate the model."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from mace.calculators import MACECalculator

    from pykoh.engines.periodic import PeriodicPotential
    from pykoh.export.export import export_model

    calculator = MACECalculator(model_paths=model_path, device="cpu", default_dtype=dtype)

    def ase(positions: np.ndarray) -> object:
        atoms = box.copy()
        atoms.positions = positions
        atoms.calc = calculator
        return atoms.get_forces()

    found: dict[str, Callable[[np.ndarray], object]] = {"ASE": ase}
    cell = np.asarray(box.cell)
    for route in ("general", "fast"):
        with TemporaryDirectory() as folder:
            target = Path(folder) / "koh.pt"
            export_model(model_path, target, route=route)
            potential = PeriodicPotential.from_file(target, dtype=dtype)
        species = potential.species_of(box.get_chemical_symbols())
        found[route] = lambda x, p=potential, s=species: p(x, cell, s)
    return found


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
    print(
        f"{'atoms':>6} {'dtype':>8} {'threads':>7} {'ASE ms':>8} {'general':>8} {'fast':>8} ratios"
    )
    rng = np.random.default_rng(0)
    for n_atoms in args.atoms:
        box = box_of(n_atoms)
        for dtype in ("float32", "float64"):
            timed = routes(args.model, dtype, box)
            for threads in args.threads:
                torch.set_num_threads(threads)
                best = dict.fromkeys(timed, np.inf)
                for turn in range(args.repeat + 2):
                    positions = box.positions + rng.normal(scale=0.01, size=box.positions.shape)
                    for name, call in timed.items():
                        start = clock()
                        call(positions)
                        if turn > 1:  # the first calls compile
                            best[name] = min(best[name], 1e3 * (clock() - start))
                print(
                    f"{len(box):6d} {dtype:>8} {threads:7d} {best['ASE']:8.1f} "
                    f"{best['general']:8.1f} {best['fast']:8.1f} "
                    f"1/{best['ASE'] / best['general']:.1f} 1/{best['ASE'] / best['fast']:.1f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
