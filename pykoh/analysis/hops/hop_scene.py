"""One proton hop of a run, frame by frame; see :mod:`pykoh.analysis.results`."""

from __future__ import annotations

from dataclasses import dataclass

from pykoh.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class HopScene:
    """The atoms around one net hop of a hydroxide, from a little before it to a little after it.

    Attributes:
        frame: number of the first frame after the hop; the first frame of the run is 0.
        time_ps: time of that frame, ps.
        times_ps: [n_frames], ps, times of the frames that are kept.
        elements: [n_atoms].
        ids: [n_atoms], ids in the trajectory.
        positions_A: [n_frames, n_atoms, 3], Å, from the middle between the two oxygens; molecules
            are whole.
        owner: [n_frames, n_atoms], which of these atoms is the oxygen of an H; -1 for other atoms
            and where that oxygen is not among them.
        carrier: [n_frames], which atom is the oxygen of the hydroxide; -1: none of these.
        old: which atom is the oxygen that the hydroxide left.
        new: which atom is the oxygen that it came to.
        proton: which atom is the H that moved.
    """

    frame: int
    time_ps: float
    times_ps: FloatArray
    elements: tuple[str, ...]
    ids: IntArray
    positions_A: FloatArray
    owner: IntArray
    carrier: IntArray
    old: int
    new: int
    proton: int
