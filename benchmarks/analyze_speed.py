"""Speed of ``pykoh analyze``, and of reading beside other readers.

Run: OMP_NUM_THREADS=1 python benchmarks/analyze_speed.py [--atom-frames 2e6]

Prints atom-frames per second for a small and a large box of aqueous KOH: reading the text dump (CPU
time of one core), all default analyses (CPU time of one core, wall time of 1 and of all cores), and
reading the same file with MDAnalysis, ASE, chemfiles and mdtraj where they are installed (CPU time;
a part of the file for the slow ones). Compiled kernels are warmed up first. Targets: reading
5 million/s per core and 5 times the fastest other reader, all analyses 1 million/s on two cores.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.workers import Workers, available_cores
from pykoh.solution.composition import from_molarity
from pykoh.solution.packing import pack
from pykoh.trajectory.run import ReadOptions, Run

READING, TIMES_FASTER, ANALYSING = 5e6, 5.0, 1e6
FRAME_INTERVAL_PS = 0.01
_OTHERS_ATOM_FRAMES = 2e5


def write_box(path: Path, molarity: float, n_atoms: int, n_frames: int) -> int:
    """Write a dump of packed molecules that vibrate and drift; return the atoms."""
    rng = np.random.default_rng(0)
    box = pack(from_molarity(molarity, n_atoms), rng)
    base = box.positions_A
    types = [{"H": 1, "O": 2}.get(symbol, 3) for symbol in box.symbols]
    edge = box.composition.box_length_A
    n = len(types)
    walk = np.zeros((n, 3))
    with path.open("w") as stream:
        for frame in range(n_frames):
            walk += rng.normal(scale=0.003, size=walk.shape)
            positions = base + walk + rng.normal(scale=0.03, size=walk.shape)
            stream.write(
                f"ITEM: TIMESTEP\n{20 * frame}\n"
                f"ITEM: NUMBER OF ATOMS\n{n}\nITEM: BOX BOUNDS pp pp pp\n"
                + f"0 {edge:.17g}\n" * 3
                + "ITEM: ATOMS id type xu yu zu\n"
            )
            stream.writelines(
                f"{i + 1} {types[i]} {x:.5f} {y:.5f} {z:.5f}\n"
                for i, (x, y, z) in enumerate(positions.tolist())
            )
    return n


def others() -> dict[str, Callable[[Path, int], int]]:
    """Return readers that are installed: each takes the file and how many frames, and counts."""
    found: dict[str, Callable[[Path, int], int]] = {}

    def with_ase(path: Path, n: int) -> int:
        from ase.io import iread

        return sum(1 for _ in iread(path, index=f":{n}", format="lammps-dump-text"))

    found["ASE"] = with_ase
    try:
        import MDAnalysis

        def with_mdanalysis(path: Path, n: int) -> int:
            universe = MDAnalysis.Universe(str(path), format="LAMMPSDUMP")
            return sum(1 for _ in universe.trajectory[:n])

        found["MDAnalysis"] = with_mdanalysis
    except ImportError:
        pass
    try:
        import chemfiles

        def with_chemfiles(path: Path, n: int) -> int:
            with chemfiles.Trajectory(str(path), "r", "LAMMPS") as file:
                n = min(n, file.nsteps)
                for _ in range(n):
                    file.read()
                return n

        found["chemfiles"] = with_chemfiles
    except ImportError:
        pass
    try:
        import mdtraj
        from mdtraj.formats import LAMMPSTrajectoryFile

        assert mdtraj is not None

        def with_mdtraj(path: Path, n: int) -> int:
            with LAMMPSTrajectoryFile(str(path)) as file:
                return len(file.read(n_frames=n)[0])

        found["mdtraj"] = with_mdtraj
    except ImportError:
        pass
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--atom-frames", type=float, default=2e6, help="size of each dump")
    wanted = parser.parse_args().atom_frames
    warnings.simplefilter("ignore")
    cores = available_cores()
    for size in (300, 3000):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "box.dump"
            n_atoms = write_box(path, 6.26, size, max(20, int(wanted / size)))
            n_frames = max(20, int(wanted / size))
            work = n_atoms * n_frames
            print(f"\n{n_atoms} atoms x {n_frames} frames, {path.stat().st_size / 1e6:.0f} MB")
            analyze(Run([path], ReadOptions(0.5, stop_ps=10 * FRAME_INTERVAL_PS)), Settings())
            start = time.process_time()
            for _ in Run([path], ReadOptions(0.5)).blocks():
                pass
            reading = work / (time.process_time() - start)
            print(f"{'reading, pykoh':<34}{reading:14,.0f} /s{_verdict(reading, READING)}")
            fastest = 0.0
            for name, read in others().items():
                n = min(n_frames, max(2, int(_OTHERS_ATOM_FRAMES / n_atoms)))
                start = time.process_time()
                try:
                    count = read(path, n)
                except Exception as error:
                    print(f"{'reading, ' + name:<34}cannot read it ({type(error).__name__})")
                    continue
                speed = count * n_atoms / (time.process_time() - start)
                fastest = max(fastest, speed)
                print(f"{'reading, ' + name:<34}{speed:14,.0f} /s   pykoh: {reading / speed:.1f}x")
            if fastest:
                ratio = reading / fastest
                print(f"{'over the fastest other':<34}{ratio:14.1f} x {_verdict(ratio, 5.0)}")
            cpu, wall = time.process_time(), time.perf_counter()
            analyze(Run([path], ReadOptions(0.5)), Settings())
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            print(f"{'all analyses, per core':<34}{work / cpu:14,.0f} /s of CPU time")
            print(f"{'all analyses, 1 thread':<34}{work / wall:14,.0f} /s")
            start = time.perf_counter()
            analyze(Run([path], ReadOptions(0.5)), Settings(), workers=Workers(cores))
            everything = work / (time.perf_counter() - start)
            print(
                f"{f'all analyses, {cores} threads':<34}{everything:14,.0f} /s"
                f"{_verdict(everything, ANALYSING)}"
            )


def _verdict(value: float, target: float) -> str:
    return f"   target {target:,.0f}: {'reached' if value >= target else 'NOT reached'}"


if __name__ == "__main__":
    main()
