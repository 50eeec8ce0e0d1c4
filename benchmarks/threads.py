"""How much faster a force call is with more threads, beside another version of pykoh.

Usage: python benchmarks/threads.py -o FOLDER [--vs CHECKOUT] [--atoms 165] [--threads 2]

Each checkout has its own processes, by turns, which call the shipped potential from Python at
positions that change a little each time. In a process, blocks of calls with one and with more
threads take turns; times are medians in ms. On Linux it also prints how many cores other programs
used meanwhile, because a second thread gains nothing on a core that is not free. Writes
threads.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
from ase import Atoms
from ase.io import read
from run_speed import HERE, SHIPPED, box

# Before torch is imported: as `pykoh run` sets it (docs/speed.md).
os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def busy_s() -> float | None:
    """Return the time that all cores of the system have worked, s; None where it is not known."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return None
    user, nice, system, _, _, irq, soft, *_ = map(int, stat.read_text().split()[1:9])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


def measure(data: Path, threads: int, calls: int, blocks: int) -> None:
    """Print medians and the ratio of each pair of blocks, as JSON."""
    import torch

    from pykoh.engines.periodic import PeriodicPotential

    potential = PeriodicPotential.from_file(SHIPPED / "koh.pt")
    atoms = read(data, format="lammps-data")
    assert isinstance(atoms, Atoms)
    species, cell = potential.species_of(atoms.get_chemical_symbols()), np.array(atoms.cell)

    def block(n: int, seed: int) -> float:
        torch.set_num_threads(n)
        rng, positions, times = np.random.default_rng(seed), atoms.get_positions(), []
        for _ in range(calls):
            positions += rng.normal(scale=0.002, size=positions.shape)
            start = time.perf_counter()
            potential(positions, cell, species)
            times.append(time.perf_counter() - start)
        return 1e3 * median(times[calls // 5 :])

    block(threads, 0)  # compiles, fills the caches
    start, own, busy = time.perf_counter(), time.process_time(), busy_s()
    found = [(block(1, seed), block(threads, seed)) for seed in range(blocks)]
    elapsed, own, after = time.perf_counter() - start, time.process_time() - own, busy_s()
    others = (after - busy - own) / elapsed if busy is not None and after is not None else None
    print(
        json.dumps(
            {
                "atoms": len(atoms),
                "one_ms": round(median(one for one, _ in found), 3),
                "more_ms": round(median(more for _, more in found), 3),
                "ratios": [round(one / more, 2) for one, more in found],
                "cores_used_by_others": None if others is None else round(max(others, 0.0), 2),
            }
        )
    )


def main() -> None:
    """Measure by turns, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument(
        "--vs", type=Path, help="another checkout; it has to read koh.pt of this one"
    )
    parser.add_argument("--atoms", type=int, nargs="+", default=[165])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--calls", type=int, default=120, help="of a block")
    parser.add_argument("--blocks", type=int, default=6)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(given.measure, given.threads, given.calls, given.blocks)
        return
    if given.vs and not (given.vs / "pykoh").is_dir():
        raise SystemExit(f"{given.vs}: no checkout of pykoh (it has no folder pykoh)")
    given.output.mkdir(parents=True, exist_ok=True)
    rows = []
    for n_atoms in given.atoms:
        folder = given.output.resolve() / str(n_atoms)
        folder.mkdir(exist_ok=True)
        box(n_atoms, folder)
        for _ in range(given.turns):
            for name, root in {
                "now": HERE,
                **({"before": given.vs.resolve()} if given.vs else {}),
            }.items():
                command = [
                    sys.executable, __file__, "-o", str(folder), "--measure",
                    str(folder / "equil.data"), "--threads", str(given.threads),
                    "--calls", str(given.calls), "--blocks", str(given.blocks),
                ]  # fmt: skip
                environment = {**os.environ, "PYTHONPATH": str(root)}
                out = subprocess.run(
                    command, env=environment, check=True, stdout=subprocess.PIPE, text=True
                )
                rows.append({"way": name, "threads": given.threads, **json.loads(out.stdout)})
                print(rows[-1], flush=True)
    (given.output / "threads.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
