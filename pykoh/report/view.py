"""A whole short run as moving atoms, in one page that opens anywhere without a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pykoh.analysis.checks import check_solution
from pykoh.analysis.hops.identity import HydroxideTracker
from pykoh.arrays import FloatArray, IntArray
from pykoh.errors import OutputError, TrajectoryError
from pykoh.files import refuse_overwrite, write_text
from pykoh.report.html import Markup, tag
from pykoh.report.movie import Movie
from pykoh.report.page import document
from pykoh.report.values import count
from pykoh.trajectory.memory import run_of
from pykoh.trajectory.run import ReadOptions, Run
from pykoh.trajectory.species import CATION, HYDROGEN, OXYGEN, Atoms

MOST_ATOM_FRAMES = 3_000_000
"""Atoms times frames that a page may hold: 8 bytes each, so that the file stays below 30 MB."""


def view(
    trajectory: Any,
    output: str | Path,
    *,
    options: ReadOptions | None = None,
    force: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write a page that shows a short run as moving atoms.

    Each hydroxide has a colour of its own, which stays with it through proton hops, and a line
    along the path that it took. The page needs no network.

    Args:
        trajectory: a path, several paths in order of time, a :class:`pykoh.Trajectory`, an mdtraj
            trajectory or an MDAnalysis universe.
        output: the page, e.g. ``view.html``.
        options: which frames are used, and how they are read.
        force: replace the file if it is there.
        say: called with what is to know about the trajectory (a frame cut off ...), a line each.

    Returns:
        The path of the page.

    Raises:
        TrajectoryError: the trajectory cannot be used, or is too long for one page.
        OutputError: the file is there already, or cannot be written.
    """
    path = Path(output)
    if path.suffix not in (".html", ".htm") and not path.is_dir():
        raise OutputError(f"{path}: a view is a page for a browser; name it NAME.html")
    refuse_overwrite([path], force)
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file in it, e.g. {path / 'view.html'}")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: its folder {path.parent} does not exist; create it first")
    run = run_of(trajectory, options)
    movie, atoms = _movie(run)
    for note in run.notes:
        say(note)
    cation = f"{atoms.cation}OH" if (atoms.species == CATION).any() else "hydroxide"
    n_ions = movie.carriers.shape[1]
    start, stop = float(movie.times[0]), float(movie.times[-1])
    lead = (
        f"{count(len(atoms.ids))} atoms, {count(n_ions)} hydroxide ions, {count(len(movie.times))} "
        f"frames from {start:.6g} to {stop:.6g} ps."
    )
    write_text(path, document(f"Aqueous {cation}, moving", lead, _figure(movie), (), [movie]))
    return path


def _figure(movie: Movie) -> Markup:
    figure = movie.figure(
        "The atoms of the run, moving",
        "Each hydroxide has a colour of its own: a large ball at its oxygen, and a line along the "
        "path of this oxygen since the first frame. When a proton hops, the colour goes on to the "
        "next oxygen. The oxygens of water are red, hydrogens white, cations purple; the box is "
        "grey. Atoms that leave the box come in again on the other side. Drag to turn, Ctrl + "
        "wheel to zoom. Drawn by 3Dmol.js, ",
        tag("a", "Rego and Koes 2015", href="https://doi.org/10.1093/bioinformatics/btu829"),
        ".",
    )
    return tag("section", figure, id="run")


def _movie(run: Run) -> tuple[Movie, Atoms]:
    """Read the frames and follow the hydroxides.

    Raises:
        TrajectoryError: these are no atoms of a solution, or there are too many frames.
    """
    positions: list[FloatArray] = []
    cells: list[FloatArray] = []
    times: list[FloatArray] = []
    owners: list[IntArray] = []
    carriers: list[IntArray] = []
    tracker: HydroxideTracker | None = None
    n_frames = 0
    for block in run.blocks():
        if tracker is None:
            check_solution(run, block)
            tracker = HydroxideTracker(run.atoms)
        n_frames += len(block.positions)
        _refuse_long(run, n_frames)
        moved = tracker.add(block.positions, block.cells)
        owner = np.full(block.positions.shape[:2], -1, dtype=np.int64)
        owner[:, tracker.hydrogens] = tracker.oxygens[moved.owner]
        owners.append(owner)
        carriers.append(tracker.oxygens[moved.carriers])
        positions.append(_inside(block.positions, block.cells, owner))
        cells.append(block.cells.copy())
        times.append(block.times_ps.copy())
    atoms = run.atoms
    names = {HYDROGEN: "H", OXYGEN: "O", CATION: atoms.cation}
    movie = Movie(
        "run",
        [names[int(species)] for species in atoms.species],
        np.concatenate(positions),
        np.concatenate(times),
        "ps",
        np.concatenate(owners),
        np.concatenate(carriers),
        cell_A=np.concatenate(cells).mean(axis=0),
    )
    return movie, atoms


def _refuse_long(run: Run, n_frames: int) -> None:
    """Refuse more than a page can hold."""
    n_atoms = len(run.atoms.ids)
    most = MOST_ATOM_FRAMES // n_atoms
    if n_frames <= most:
        return
    if most < 1:
        raise TrajectoryError(
            f"{run.paths[0]}: has {n_atoms} atoms; a page holds up to {MOST_ATOM_FRAMES}"
        )
    raise TrajectoryError(
        f"{run.paths[0]}: is too long for one page, which holds {most} frames of {n_atoms} atoms; "
        "choose frames with --stride N, --start PS and --stop PS"
    )


def _inside(positions: FloatArray, cells: FloatArray, owner: IntArray) -> FloatArray:
    """Return positions with every oxygen and cation in the box and each H at its oxygen.

    Args:
        positions: [n_frames, n_atoms, 3], Å.
        cells: [n_frames, 3, 3], Å, vectors in rows.
        owner: [n_frames, n_atoms], atom that is the oxygen of an H; -1 for other atoms.
    """
    fraction = positions @ np.linalg.inv(cells)
    heavy = fraction - np.floor(fraction)
    of_h = owner >= 0
    frames, atoms = np.nonzero(of_h)
    centre = heavy[frames, owner[frames, atoms]]
    apart = fraction[frames, atoms] - centre
    heavy[frames, atoms] = centre + apart - np.round(apart)
    inside: FloatArray = heavy @ cells
    return inside
