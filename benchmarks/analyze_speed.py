"""Speed of ``pykoh analyze`` on one core, from text dumps, with all default analyses.

Run: OMP_NUM_THREADS=1 python benchmarks/analyze_speed.py [--atom-frames 6e5]

Prints atom-frames per second of CPU time for a small and a large box of moving molecules: reading
alone, and everything. Compiled kernels are warmed up first. The figure to reach is 200,000.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from pykoh.analysis.pipeline import Settings, analyze
from pykoh.trajectory.run import ReadOptions, Run

TARGET = 200_000
FRAME_INTERVAL_PS = 0.01
VOLUME_PER_ATOM_A3 = 9.95  # 6.26 mol/L KOH at 25 °C


def write_box(path: Path, n_koh: int, n_water: int, n_frames: int) -> int:
    """Write a dump of molecules that vibrate about places on a grid; return the atoms."""
    rng = np.random.default_rng(0)
    n_o = n_koh + n_water
    n_h = 2 * n_o - n_koh
    n = n_h + n_o + n_koh
    edge = (n * VOLUME_PER_ATOM_A3) ** (1 / 3)
    side = int(np.ceil((n_o + n_koh) ** (1 / 3)))
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)
    heavy = (rng.permutation(grid)[: n_o + n_koh] + 0.5) * edge / side
    owner = np.repeat(np.arange(n_o), [1] * n_koh + [2] * n_water)
    bonds = rng.normal(size=(n_h, 3))
    types = [1] * n_h + [2] * n_o + [3] * n_koh
    with path.open("w") as stream:
        for frame in range(n_frames):
            places = heavy + rng.normal(scale=0.08, size=heavy.shape)
            bonds += rng.normal(scale=0.1, size=bonds.shape)
            bonds *= 0.97 / np.linalg.norm(bonds, axis=1)[:, None]
            positions = np.concatenate([places[owner] + bonds, places])
            stream.write(
                f"ITEM: TIME\n{frame * FRAME_INTERVAL_PS:g}\nITEM: TIMESTEP\n{20 * frame}\n"
                f"ITEM: NUMBER OF ATOMS\n{n}\nITEM: BOX BOUNDS pp pp pp\n"
                + f"0 {edge:.17g}\n" * 3
                + "ITEM: ATOMS id type xu yu zu\n"
            )
            stream.writelines(
                f"{i + 1} {types[i]} {x:.6g} {y:.6g} {z:.6g}\n"
                for i, (x, y, z) in zip(
                    rng.permutation(n).tolist(), positions.tolist(), strict=True
                )
            )
    return n


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--atom-frames", type=float, default=6e5, help="size of each dump")
    wanted = parser.parse_args().atom_frames
    print(f"{'box':>24}{'MB':>8}{'reading':>14}{'everything':>14}   atom-frames/s of CPU time")
    for n_koh, n_water in ((11, 85), (110, 855)):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "box.dump"
            n_frames = max(20, int(wanted / (3 * (n_koh + n_water))))
            n_atoms = write_box(path, n_koh, n_water, n_frames)
            short = ReadOptions(stop_ps=10 * FRAME_INTERVAL_PS)
            analyze(Run([path], short), Settings())
            start = time.process_time()
            for _ in Run([path], ReadOptions()).blocks():
                pass
            read = time.process_time() - start
            start = time.process_time()
            analyze(Run([path], ReadOptions()), Settings())
            everything = time.process_time() - start
            work = n_atoms * n_frames
            name = f"{n_atoms} atoms x {n_frames}"
            size = path.stat().st_size / 1e6
            reached = "reached" if work / everything >= TARGET else "NOT reached"
            print(
                f"{name:>24}{size:8.1f}{work / read:14,.0f}{work / everything:14,.0f}"
                f"   {TARGET:,} {reached}"
            )


if __name__ == "__main__":
    main()
