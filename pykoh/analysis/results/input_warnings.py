"""What is to be said about a run before anything is worked out from it."""

from __future__ import annotations

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.input_summary import InputSummary
from pykoh.arrays import FloatArray

_CELL_CHANGE = 1e-4  # of the volume


def input_warnings(summary: InputSummary, volumes: FloatArray) -> list[AnalysisWarning]:
    """Return the warnings.

    Args:
        summary: what was read.
        volumes: [3], Å³: Σ over frames, smallest, largest.
    """
    found = [AnalysisWarning("input.files", note) for note in summary.notes]
    if summary.temperature_K is None:
        found.append(
            AnalysisWarning(
                "input.temperature_K",
                "unknown: give --temperature K, dump vx vy vz, or keep NAME.pressure.txt beside "
                "NAME.dump",
            )
        )
    if summary.n_hydroxide != summary.n_koh:
        found.append(
            AnalysisWarning(
                "input.n_koh",
                f"{summary.n_koh} cations, but {summary.n_hydroxide} hydroxides by "
                "stoichiometry (2 O - H): the box is not neutral KOH in water",
            )
        )
    if summary.no_bulk is not None:
        found.append(AnalysisWarning("input.density_kg_per_m3", summary.no_bulk))
    if volumes[2] - volumes[1] > _CELL_CHANGE * volumes[1]:
        found.append(
            AnalysisWarning(
                "diffusion",
                "the cell changes in time, and this change is part of the displacements; "
                "use constant volume for transport",
            )
        )
    return found
