"""Short random walks as dumps, read by pykoh and by a plain Python parser."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pykoh.trajectory.run import FrameBlock, ReadOptions, Run
from trajectories import H as HYDROGEN
from trajectories import K
from trajectories import O as OXYGEN

CUBIC = np.diag([9.0, 10.0, 11.0])
TILTED = np.array([[9.0, 0, 0], [-2.5, 10.0, 0], [1.5, 3.0, 11.0]])
GENERAL = TILTED @ np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
TYPES = [HYDROGEN, OXYGEN, K, OXYGEN, HYDROGEN, HYDROGEN, K]
OPTIONS = ReadOptions(timestep_fs=0.5)


def walk(n_frames: int = 7, seed: int = 0, step: float = 0.3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    start = rng.uniform(0, 9, size=(1, len(TYPES), 3))
    return start + rng.normal(scale=step, size=(n_frames, len(TYPES), 3)).cumsum(axis=0)


def read(*paths: Path | str, options: ReadOptions | None = None) -> tuple[FrameBlock, Run]:
    """Read with a time step of 0.5 fs, if the dump does not hold its times."""
    if options is None:
        files = [Path(path) for path in paths if Path(path).is_file()]
        held = any(b"ITEM: TIME\n" in file.read_bytes() for file in files)
        options = ReadOptions() if held else OPTIONS
    run = Run([str(path) for path in paths], options)
    blocks = []
    for b in run.blocks():
        velocities = None if b.velocities is None else b.velocities.copy()
        blocks.append(
            FrameBlock(
                b.steps.copy(), b.times_ps.copy(), b.cells.copy(), b.positions.copy(), velocities
            )
        )
    velocities = None
    if blocks[0].velocities is not None:
        velocities = np.concatenate([b.velocities for b in blocks if b.velocities is not None])
    return FrameBlock(
        np.concatenate([b.steps for b in blocks]),
        np.concatenate([b.times_ps for b in blocks]),
        np.concatenate([b.cells for b in blocks]),
        np.concatenate([b.positions for b in blocks]),
        velocities,
    ), run


def reference(text: str) -> np.ndarray:
    """Return [n_frames, n_atoms, 3] of an ``id type xu yu zu`` dump, by plain Python."""
    frames = []
    for part in text.split("ITEM: TIMESTEP\n")[1:]:
        rows = part.split("ITEM: ATOMS")[1].strip().split("\n")[1:]
        table = {}
        for row in rows:
            words = row.split()
            if words[0] == "ITEM:":
                break
            table[int(words[0])] = [float(word) for word in words[2:5]]
        frames.append([table[key] for key in sorted(table)])
    return np.array(frames)
