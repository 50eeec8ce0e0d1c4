"""Speed of ``pykoh analyze``, and of its reader compared with others.

Run: OMP_NUM_THREADS=1 python benchmarks/analyze_speed.py [--atom-frames 4e6]

Prints atom-frames per second for a small and a large box of aqueous KOH: reading text dumps with
three sets of columns, with pykoh and with MDAnalysis, ASE, chemfiles and mdtraj if they are
installed (CPU time of one core; slow readers read a part of the file); then all default analyses of
the first file (CPU time of one core, wall time of 1 and of all cores). Each number is the best of
three, because other work on the machine only makes it slower. Kernels are compiled first. Targets:
reading 5 million/s per core and 5 times the fastest other reader, all analyses 1 million/s, and on
two cores 1.6 times one thread. (On a busy Linux machine with autogroup scheduling all threads of a
session share the time of one, so that two are no faster than one.)
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.workers import Workers
from pykoh.processes import available_cores
from pykoh.solution.composition import from_molarity
from pykoh.solution.packing import pack
from pykoh.trajectory.run import ReadOptions, Run

READING, TIMES_FASTER, ANALYSING, SPEEDUP = 5e6, 5.0, 1e6, 1.6
COLUMNS = ("xu yu zu", "x y z ix iy iz", "x y z vx vy vz")
REPEATS = 3
FRAME_INTERVAL_PS = 0.01
_OTHERS_ATOM_FRAMES = 2e5


def write_box(
    path: Path, molarity: float, n_atoms: int, n_frames: int, columns: str = COLUMNS[0]
) -> int:
    """Write a dump of packed molecules that vibrate and drift; return the atoms."""
    rng = np.random.default_rng(0)
    box = pack(from_molarity(molarity, n_atoms), rng)
    base = box.positions_A
    types = [{"H": 1, "O": 2}.get(symbol, 3) for symbol in box.symbols]
    edge = box.composition.box_length_A
    n = len(types)
    walk = np.zeros((n, 3))
    form = " ".join(["%d %d", *("%d" if name[0] == "i" else "%.5f" for name in columns.split())])
    with path.open("w") as stream:
        for frame in range(n_frames):
            walk += rng.normal(scale=0.003, size=walk.shape)
            table = [base + walk + rng.normal(scale=0.03, size=walk.shape)]
            if not columns.startswith("xu"):
                image = np.floor(table[0] / edge)
                table[0] = table[0] - image * edge
                table.append(image if "ix" in columns else rng.normal(scale=5.0, size=walk.shape))
            stream.write(
                f"ITEM: TIMESTEP\n{20 * frame}\n"
                f"ITEM: NUMBER OF ATOMS\n{n}\nITEM: BOX BOUNDS pp pp pp\n"
                + f"0 {edge:.17g}\n" * 3
                + f"ITEM: ATOMS id type {columns}\n"
            )
            rows = np.concatenate(table, axis=1).tolist()
            stream.write(
                "".join([form % (i + 1, types[i], *row) + "\n" for i, row in enumerate(rows)])
            )
    return n


def others() -> dict[str, Callable[[Path, int], int]]:
    """Return the installed readers: functions of a file and a number of frames."""
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


def best(function: Callable[[], object], clock: Callable[[], float], repeats: int) -> float:
    """Return the shortest time of a call, s."""
    times = []
    for _ in range(repeats):
        start = clock()
        function()
        times.append(clock() - start)
    return min(times)


def read_all(path: Path) -> None:
    """Read a dump with pykoh."""
    for _ in Run([path], ReadOptions(0.5)).blocks():
        pass


def compare_readers(path: Path, n_atoms: int, n_frames: int) -> None:
    """Print the speed of all readers."""
    read_all(path)
    reading = n_atoms * n_frames / best(lambda: read_all(path), time.process_time, REPEATS)
    print(f"{'reading, pykoh':<34}{reading:14,.0f} /s{_verdict(reading, READING)}")
    fastest = 0.0
    for name, read in others().items():
        n = min(n_frames, max(2, int(_OTHERS_ATOM_FRAMES / n_atoms)))
        try:
            count = read(path, n)
            seconds = best(partial(read, path, n), time.process_time, REPEATS)
        except Exception as error:
            print(f"{'reading, ' + name:<34}cannot read it ({type(error).__name__})")
            continue
        speed = count * n_atoms / seconds
        fastest = max(fastest, speed)
        print(f"{'reading, ' + name:<34}{speed:14,.0f} /s   pykoh: {reading / speed:.1f}x")
    if fastest:
        ratio = reading / fastest
        print(f"{'over the fastest other':<34}{ratio:14.1f} x {_verdict(ratio, TIMES_FASTER)}")


def time_analyses(path: Path, work: int) -> None:
    """Print the speed of all default analyses."""
    cores = available_cores()

    def run(threads: int) -> None:
        analyze(Run([path], ReadOptions(0.5)), Settings(), workers=Workers(threads))

    run(1)
    cpu = best(lambda: run(1), time.process_time, REPEATS)
    one = best(lambda: run(1), time.perf_counter, REPEATS)
    everything = best(lambda: run(cores), time.perf_counter, REPEATS)
    print(f"{'all analyses, per core':<34}{work / cpu:14,.0f} /s of CPU time")
    print(f"{'all analyses, 1 thread':<34}{work / one:14,.0f} /s")
    print(
        f"{f'all analyses, {cores} threads':<34}{work / everything:14,.0f} /s"
        f"{_verdict(work / everything, ANALYSING)}"
    )
    ratio = one / everything
    print(f"{'over one thread':<34}{ratio:14.2f} x {_verdict(ratio, SPEEDUP)}")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--atom-frames", type=float, default=4e6, help="size of each dump")
    wanted = parser.parse_args().atom_frames
    warnings.simplefilter("ignore")
    for size in (300, 3000):
        n_frames = max(20, int(wanted / size))
        with tempfile.TemporaryDirectory() as folder:
            for columns in COLUMNS:
                path = Path(folder) / f"{columns.replace(' ', '_')}.dump"
                n_atoms = write_box(path, 6.26, size, n_frames, columns)
                megabytes = path.stat().st_size / 1e6
                print(f"\n{n_atoms} atoms x {n_frames} frames, {columns}, {megabytes:.0f} MB")
                compare_readers(path, n_atoms, n_frames)
                if columns == COLUMNS[0]:
                    time_analyses(path, n_atoms * n_frames)


def _verdict(value: float, target: float) -> str:
    return f"   target {target:,g}: {'reached' if value >= target else 'NOT reached'}"


if __name__ == "__main__":
    main()
