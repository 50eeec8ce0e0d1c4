"""Extended XYZ, read with ASE, with the times of LAMMPS's ``dump extxyz`` if there are any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pykoh.errors import TrajectoryError
from pykoh.trajectory.frame_data import FrameData


@dataclass(frozen=True, slots=True, eq=False)
class XyzFrame:
    """A frame and its elements: [n_atoms]."""

    elements: list[str]
    frame: FrameData


def xyz_frames(path: Path, name: str, ps_per_unit: float) -> Iterator[XyzFrame]:
    """Yield the frames of an extended XYZ file, plain or compressed.

    Args:
        path: the file.
        name: its name in messages.
        ps_per_unit: ps per unit of time of LAMMPS, for ``Time=`` beside ``Timestep=``.

    Raises:
        TrajectoryError: it is not extended XYZ, has no elements, or a time is not a number.
    """
    from ase.io import iread

    n_frames = 0
    try:
        for frame in iread(path, index=":", format="extxyz"):
            yield _frame(frame, f"{name}: frame {n_frames + 1}", ps_per_unit)
            n_frames += 1
    except TrajectoryError:
        raise
    except Exception as error:
        if _has_numbers(path):
            raise TrajectoryError(
                f"{name}: its atoms have LAMMPS types instead of elements (dump xyz), and it has "
                "no cell; write 'dump ID all custom N FILE id type xu yu zu' instead, or "
                "'dump extxyz' with 'dump_modify ID element H O K'"
            ) from None
        reason = " ".join(str(error).split()) or type(error).__name__
        raise TrajectoryError(
            f"{name}: not extended XYZ after {n_frames} frames ({reason[:160]})"
        ) from None


def _frame(frame: Any, place: str, ps_per_unit: float) -> XyzFrame:
    info = frame.info
    time, step = None, None
    try:
        if "time_ps" in info:
            time = float(info["time_ps"])
        elif "time_fs" in info:
            time = 1e-3 * float(info["time_fs"])
        elif "Timestep" in info and "Time" in info:  # from LAMMPS
            time, step = float(info["Time"]) * ps_per_unit, int(info["Timestep"])
    except (TypeError, ValueError):
        raise TrajectoryError(f"{place}: its time is not a number") from None
    if time is not None and not np.isfinite(time):
        raise TrajectoryError(f"{place}: its time is not a finite number")
    velocities = None
    if step is not None and "vel" in frame.arrays:
        velocities = np.asarray(frame.arrays["vel"], dtype=np.float64) / ps_per_unit
    data = FrameData(
        time, np.array(frame.cell.array, dtype=np.float64), frame.get_positions(), step,
        velocities=velocities,
    )  # fmt: skip
    return XyzFrame(frame.get_chemical_symbols(), data)


def _has_numbers(path: Path) -> bool:
    """Return whether the first atom of an XYZ file has a number instead of an element."""
    with path.open("rb") as stream:
        lines = stream.read(1 << 12).split(b"\n")
    return len(lines) > 3 and lines[2].split()[:1] != [] and lines[2].split()[0].isdigit()
