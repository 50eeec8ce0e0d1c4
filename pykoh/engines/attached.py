"""The LAMMPS that runs an input script, as the script hands it over, and who owns its ghost atoms.

:func:`pykoh.engines.tags.attach` makes it and gives it to all potentials of the process
(:class:`pykoh.engines.mliap.MLIAPPotential`): LAMMPS itself passes neither tags nor a way to
exchange features to the model of plain ``mliap``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pykoh.engines.ghost import Exchange
from pykoh.engines.masses import element_of_mass
from pykoh.engines.tag_exchange import TagExchange, rows_of_tags
from pykoh.errors import EngineError

NOT_ATTACHED = (
    "pair_style mliap needs the atom tags of LAMMPS; put these lines before pair_style: "
    "python attach input 1 SELF format p here "
    '"from pykoh.engines.tags import attach"  and  python attach invoke'
)


class AttachedLammps:
    """One LAMMPS instance, and what was derived from its tags.

    Args:
        lammps: a :class:`lammps.lammps`.

    Raises:
        EngineError: it cannot run a potential of pykoh.
    """

    def __init__(self, lammps: Any) -> None:
        self.lammps = lammps
        self.n_ranks = int(lammps.extract_setting("world_size"))
        self._communicator: Any = None
        self._built: tuple[int, int, int] | None = None
        self._tags: NDArray[np.integer] | None = None
        self._n_local = -1
        self._owners: torch.Tensor | None = None
        self._exchange: Exchange | None = None
        if not lammps.has_style("pair", "mliap"):
            raise EngineError(
                "this lmp has Python but not ML-IAP; build one with both (see cmake/)"
            )
        if lammps.extract_setting("newton_pair") == 0:
            raise EngineError("the potential needs `newton on` at the top of the input script")

    def check_masses(self, elements: Sequence[str]) -> None:
        """Compare the masses of the atom types with the elements that ``pair_coeff`` gives them.

        Args:
            elements: of the types, in order; where there are none or the masses are not set yet,
                nothing is compared.

        Raises:
            EngineError: a type has the mass of another element.
        """
        masses = self.lammps.numpy.extract_atom("mass")
        if masses is None:
            return
        pairs = zip(np.array(masses)[1:], elements, strict=False)
        for number, (mass, element) in enumerate(pairs, 1):
            if mass > 0 and element_of_mass(float(mass), [element]) is None:
                raise EngineError(
                    f"atom type {number} has mass {mass:g}, which is not that of {element}; order "
                    "the elements of pair_coeff as the types of the data file (now: "
                    f"{' '.join(elements)})"
                )

    def rebuilt(self, n_local: int, n_total: int) -> bool:
        """Return whether the rows of atoms and ghosts may be others than at the last call.

        They change when LAMMPS rebuilds its neighbour list, on all ranks at once. A LAMMPS that
        does not tell when it did (before 2026) is taken to have rebuilt it.

        Args:
            n_local: atoms of this rank.
            n_total: with ghosts.
        """
        age = self.lammps.extract_setting("neigh_ago")
        if age < 0:
            return True
        built = (int(self.lammps.extract_global("ntimestep")) - age, n_local, n_total)
        if age > 0 and built == self._built:
            return False
        self._built = built
        return True

    def ghosts(self, n_local: int, n_total: int) -> tuple[torch.Tensor | None, Exchange | None]:
        """Return how this step's ghosts are served.

        Args:
            n_local: atoms of this rank.
            n_total: with ghosts.

        Returns:
            On one rank the owner's row of every row, ``[n_total]``, and no exchange. On several no
            owners, and the exchange. Both are kept until the tags change; to be called on all
            ranks when :meth:`rebuilt` says so.

        Raises:
            EngineError: there are several ranks without mpi4py, or with an mpi4py of another MPI.
        """
        tags = np.array(self.lammps.numpy.extract_atom("id", nelem=n_total)).reshape(-1)
        unchanged = (
            self._tags is not None and self._n_local == n_local and np.array_equal(self._tags, tags)
        )
        if self.n_ranks > 1:
            if self._communicator is None:
                self._communicator = _communicator(self.n_ranks)
            # All ranks renew their tables together or none does.
            unchanged = bool(self._communicator.allreduce(int(not unchanged)) == 0)
        if not unchanged:
            self._tags, self._n_local = tags, n_local
            if self.n_ranks == 1:
                self._owners = torch.from_numpy(rows_of_tags(tags[:n_local])[tags])
            else:
                self._exchange = TagExchange(self._communicator, tags, n_local)
        return self._owners, self._exchange

    def check_species(self, species: torch.Tensor, elements: Sequence[str]) -> None:
        """Compare the elements that LAMMPS passes with the masses of the atoms' types.

        For inputs that do not name their elements when they attach; plain ``mliap`` only.

        Args:
            species: ``[n_local]`` index into ``elements``.
            elements: of the potential.

        Raises:
            EngineError: a type has the mass of another element.
        """
        kinds = np.array(self.lammps.numpy.extract_atom("type", nelem=len(species))).reshape(-1)
        of_type: dict[int, str] = {}
        for kind, index in zip(kinds.tolist(), species.tolist(), strict=True):
            of_type.setdefault(kind, elements[index])
        masses = np.array(self.lammps.numpy.extract_atom("mass"))
        for kind, element in sorted(of_type.items()):
            if element_of_mass(float(masses[kind]), [element]) is None:
                raise EngineError(
                    f"atom type {kind} has mass {masses[kind]:g}, but pair_coeff makes it "
                    f"{element}; order the elements of pair_coeff as the types of the data file"
                )


def _communicator(n_ranks: int) -> Any:
    """Return mpi4py's communicator; Kokkos needs none, it exchanges by itself."""
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise EngineError(
            "several MPI ranks without Kokkos need mpi4py, built for the MPI of LAMMPS: "
            "pip install mpi4py"
        ) from error
    if MPI.COMM_WORLD.size < n_ranks:
        raise EngineError(
            f"mpi4py sees {MPI.COMM_WORLD.size} rank and LAMMPS {n_ranks}: they use different MPI "
            "libraries; install mpi4py for the MPI that LAMMPS was built with"
        )
    return MPI.COMM_WORLD
