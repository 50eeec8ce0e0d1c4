"""Frames to label, checks of their geometry, and the comparison of frames."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pykoh.chemistry import CATIONS
from pykoh.errors import LabelError
from pykoh.files import require_file

if TYPE_CHECKING:
    from ase import Atoms

_OPENERS: dict[str, Any] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
# 1 mol/L in ions per Å³ (Avogadro's number times 1e-27).
PER_A3 = 6.02214076e-4
# Two atoms of a liquid do not come closer than this, Å; the shortest bond is O-H.
CLOSEST_A = 0.6
# Larger cells and coordinates are damage, and a search for neighbours would not end, Å.
LONGEST_A = 1000.0
FARTHEST_A = 1e5
SHORTEST_HEIGHT_A = 1.5
# An H farther than this from every other atom is unbound. No cation comes closer to an atom, Å.
UNBOUND_H_A = 2.0
CLOSEST_CATION_A = 1.5
# Frames whose nearest-neighbour distances agree within this are the same frame, Å.
SAME_A = 1e-4


def molarity_of(atoms: Atoms) -> float:
    """Return the hydroxide molarity of a frame, mol/L: cations (or excess O) per volume.

    ``info["molarity"]`` is not used, because its meaning may differ between sources.
    """
    symbols = atoms.get_chemical_symbols()
    return sum(s in CATIONS for s in symbols) / (PER_A3 * float(atoms.get_volume()))


def frame_key(atoms: Atoms) -> str:
    """Return 16 hexadecimal digits of elements, cell and positions.

    Numbers are rounded to 8 decimals, as in an extended-xyz file. So the key of a frame stays the
    same when it is written and read again.
    """
    digest = hashlib.sha256(" ".join(atoms.get_chemical_symbols()).encode())
    for array in (atoms.cell.array, atoms.positions):
        # Adding 0 makes -0 a 0.
        numbers = np.round(np.asarray(array, dtype=float), 8).ravel() + 0.0
        digest.update(" ".join(f"{x:.8f}" for x in numbers).encode())
    return digest.hexdigest()[:16]


def nearest_distances(atoms: Atoms) -> NDArray[np.float64]:
    """Return each atom's distance to its nearest neighbour, [n_atoms], Å, periodic."""
    cell = np.asarray(atoms.cell)
    if np.count_nonzero(cell - np.diag(np.diagonal(cell))) == 0:
        lengths = np.diagonal(cell)
        inside = np.mod(atoms.positions, lengths)
        inside[inside >= lengths] = 0.0  # -1e-17 wraps to the length itself
        distances, _ = cKDTree(inside, boxsize=lengths).query(inside, k=2)
        return np.asarray(distances[:, 1], dtype=np.float64)
    distances = atoms.get_all_distances(mic=True)
    np.fill_diagonal(distances, np.inf)
    return np.asarray(distances.min(axis=1), dtype=np.float64)


def duplicates(frames: Sequence[Atoms]) -> list[tuple[int, int]]:
    """Return pairs of frames that differ only in wrapping, order, rotation or translation.

    Frames with the same formula, volume and sorted nearest-neighbour distances count as the same.
    Because of thermal motion, two different frames of a liquid differ in these distances by far
    more than 1e-4 Å.
    """
    groups: dict[tuple[str, int], list[tuple[float, int, NDArray[np.float64]]]] = {}
    for number, atoms in enumerate(frames):
        if len(atoms) < 2:
            continue
        nearest = np.sort(nearest_distances(atoms))
        key = (atoms.get_chemical_formula(), round(atoms.get_volume()))
        groups.setdefault(key, []).append((float(nearest.mean()), number, nearest))
    pairs = []
    for members in groups.values():
        members.sort(key=lambda member: member[:2])
        for (mean, i, one), (other_mean, j, other) in pairwise(members):
            if other_mean - mean < SAME_A and np.abs(one - other).max() < SAME_A:
                pairs.append((min(i, j), max(i, j)))
    return sorted(pairs)


def periodic_differences(
    vectors: NDArray[np.float64], cell: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return images of vectors with fractions of the cell between -1/2 and 1/2, ``[..., 3]``, Å.

    If the shortest image is below half of the cell's smallest height, this is the shortest one.
    """
    fractions = vectors @ np.linalg.inv(cell)
    return np.asarray((fractions - np.round(fractions)) @ cell, dtype=np.float64)


def check_geometry(atoms: Atoms, where: str) -> None:
    """Raise :class:`LabelError` if a frame is damaged or is not a periodic liquid.

    Args:
        atoms: the frame.
        where: file and frame, for the message.
    """
    if len(atoms) == 0:
        raise LabelError(f"{where}: has no atoms")
    cell = np.asarray(atoms.cell)
    if not (np.isfinite(cell).all() and np.isfinite(atoms.positions).all()):
        raise LabelError(f"{where}: a coordinate or the lattice is not a number; remove this frame")
    if not np.abs(cell).max() <= LONGEST_A or np.abs(atoms.positions).max() > FARTHEST_A:
        raise LabelError(
            f"{where}: its lattice is longer than {LONGEST_A:g} Å or a coordinate is beyond "
            f"{FARTHEST_A:g} Å; the frame is damaged: remove it"
        )
    if not all(atoms.pbc) or abs(np.linalg.det(cell)) < 1.0:
        raise LabelError(
            f"{where}: is not periodic in three directions; write it as extended xyz with "
            'Lattice="…" pbc="T T T", or remove it'
        )
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    if heights.min() < SHORTEST_HEIGHT_A:
        raise LabelError(
            f"{where}: the height of its cell is only {heights.min():.2g} Å; the lattice is "
            "damaged or not in Å"
        )
    if len(atoms) > 1:
        _check_distances(atoms, where)


def _check_distances(atoms: Atoms, where: str) -> None:
    nearest = nearest_distances(atoms)
    if nearest.min() < CLOSEST_A:
        raise LabelError(
            f"{where}: atom {int(nearest.argmin()) + 1} has a neighbour at "
            f"{nearest.min():.2f} Å; the frame is broken or not in Å: remove or convert it"
        )
    symbols = np.array(atoms.get_chemical_symbols())
    lost = (symbols == "H") & (nearest > UNBOUND_H_A)
    inside = np.isin(symbols, list(CATIONS)) & (nearest < CLOSEST_CATION_A)
    for wrong, what in (
        (lost, f"an H without another atom within {UNBOUND_H_A:g} Å"),
        (inside, f"a cation within {CLOSEST_CATION_A:g} Å of another atom"),
    ):
        if wrong.any():
            raise LabelError(
                f"{where}: atom {int(np.flatnonzero(wrong)[0]) + 1} is {what}; a coordinate is "
                "damaged or not in Å: remove the frame"
            )


def read_extxyz(path: Path, what: str = "file of frames (extended xyz)") -> list[Atoms]:
    """Return all frames of an extended-xyz file, also compressed (.gz, .xz, .bz2).

    Raises:
        LabelError: the file is missing, empty or not extended xyz.
    """
    from ase.io import read

    require_file(path, what, LabelError)
    try:
        # ASE seeks in the file; in a compressed file each seek would read it from the beginning.
        opener = _OPENERS.get(path.suffix, Path.open)
        with opener(path, "rb") as stream:
            text = io.StringIO(stream.read().decode("utf-8-sig"))
        if not text.readline().strip().isdecimal():
            raise LabelError(
                f"{path}: is not a readable {what}: its first line is not the number of atoms"
            )
        text.seek(0)
        frames = read(text, index=":", format="extxyz")
    except LabelError:
        raise
    except UnicodeDecodeError as error:
        raise LabelError(f"{path}: is not a readable {what}: it is no text file") from error
    except Exception as error:  # a broken file raises many types in ASE
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise LabelError(f"{path}: is not a readable {what}: {reason}") from error
    if not frames:
        raise LabelError(f"{path}: has no frames; a {what} was expected")
    return list(frames)


def read_frames(paths: Sequence[Path]) -> tuple[list[Atoms], list[str]]:
    """Return the frames of several files, checked and without earlier results.

    ``info`` keeps ``run`` (its trajectory, by default the name of the file), ``temperature_K`` and
    ``kind`` (a word of the user's own); ``molarity`` is computed.

    Returns:
        The frames, and a sentence for each frame that is left out because it is a duplicate.

    Raises:
        LabelError: a file is not readable or a frame is broken.
    """
    given = [
        (atoms, f"{path}, frame {number}", Path(path).stem)
        for path in paths
        for number, atoms in enumerate(read_extxyz(Path(path)), start=1)
    ]
    return to_label(given)


def to_label(given: Sequence[tuple[Atoms, str, str]]) -> tuple[list[Atoms], list[str]]:
    """Return frames to label, as :func:`read_frames` does.

    Args:
        given: for each frame the frame, its origin (for messages), and the name of its trajectory
            if there is no ``info["run"]``.

    Raises:
        LabelError: a frame is broken.
    """
    frames = []
    for atoms, where, run in given:
        check_geometry(atoms, where)
        frame = atoms.__class__(atoms.symbols, positions=atoms.positions, cell=atoms.cell, pbc=True)
        frame.info["run"] = str(atoms.info.get("run", run))
        if "temperature_K" in atoms.info:
            frame.info["temperature_K"] = float(atoms.info["temperature_K"])
        if "kind" in atoms.info:
            frame.info["kind"] = str(atoms.info["kind"])
        frame.info["molarity"] = round(molarity_of(atoms), 4)
        frames.append(frame)
    repeated = {j: i for i, j in duplicates(frames)}
    notes = [f"{given[j][1]}: left out, is the same as {given[i][1]}" for j, i in repeated.items()]
    return [frame for k, frame in enumerate(frames) if k not in repeated], notes
