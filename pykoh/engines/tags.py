"""Owners of ghost atoms by atom tag, for LAMMPS's plain ``mliap`` without Kokkos.

Plain ``mliap`` gives a model neither the tags of atoms nor a way to exchange features. The input
script therefore hands its LAMMPS over once, before ``pair_style``::

    python attach input 1 SELF format p here "from pykoh.engines.tags import attach"
    python attach invoke

On one rank each ghost is then replaced by its owner. On several, the features of ghosts travel
through MPI (mpi4py, which must use the MPI that LAMMPS uses).
"""

from __future__ import annotations

from typing import Any

from pykoh.engines.artifact import load_artifact
from pykoh.engines.attached import AttachedLammps
from pykoh.engines.ending import end_all_ranks
from pykoh.engines.mliap import MLIAPPotential
from pykoh.errors import EngineError, PykohError


def attach(pointer: Any, potential: str = "", elements: str = "") -> None:
    """Take the pointer to the running LAMMPS; called from the input script.

    Ends all ranks with one sentence if it cannot run the potential.

    Args:
        pointer: ``SELF`` of LAMMPS's ``python`` command.
        potential: the artifact's path; if given, it is checked before ``pair_style`` reads it.
        elements: what ``pair_coeff`` will name, separated by blanks.
    """
    from lammps import lammps

    try:
        attached = AttachedLammps(lammps(ptr=pointer))
        MLIAPPotential.attached = attached
        if potential:
            _check(potential, elements.split())
        attached.check_masses(elements.split())
    except PykohError as error:
        end_all_ranks(str(error))


def _check(potential: str, elements: list[str]) -> None:
    if len(potential.split()) > 1:
        raise EngineError(f"{potential}: LAMMPS takes no spaces in names of files; rename it")
    known = load_artifact(potential)[0].elements
    missing = [element for element in elements if element not in known]
    if missing:
        raise EngineError(
            f"{potential}: knows {', '.join(known)}, not {', '.join(missing)}; use a potential "
            "trained on all elements of the box"
        )
