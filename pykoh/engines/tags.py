"""Owners of ghost atoms by atom tag, for LAMMPS's plain ``mliap`` without Kokkos.

Plain ``mliap`` gives a model neither the tags of atoms nor a way to exchange features. The input
script therefore hands its LAMMPS over once, before ``pair_style``::

    python attach input 1 SELF format p here "from pykoh.engines.tags import attach"
    python attach invoke

On one rank each ghost is then replaced by its owner. On several, the features of ghosts travel
through MPI (mpi4py, which must use the MPI that LAMMPS uses).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pykoh.engines.ending import end_all_ranks
from pykoh.engines.ghost import Exchange
from pykoh.engines.masses import element_of_mass
from pykoh.errors import EngineError, PykohError


class _Handle:
    """The LAMMPS instance that attached last, and what was derived from its tags."""

    def __init__(self) -> None:
        self.lammps: Any = None
        self.communicator: Any = None
        self.n_ranks = 1
        self.built: tuple[int, int, int] | None = None
        self.tags: NDArray[np.integer] | None = None
        self.n_local = -1
        self.owners: torch.Tensor | None = None
        self.exchange: Exchange | None = None


_handle = _Handle()


def attach(pointer: Any, potential: str = "", elements: str = "") -> None:
    """Take the pointer to the running LAMMPS; called from the input script.

    Ends all ranks with one sentence if it cannot run the potential.

    Args:
        pointer: ``SELF`` of LAMMPS's ``python`` command.
        potential: the artifact's path; if given, it is checked before ``pair_style`` reads it.
        elements: what ``pair_coeff`` will name, separated by blanks.
    """
    try:
        _attach(pointer)
        if potential:
            _check(potential, elements.split())
        check_masses(elements.split())
    except PykohError as error:
        end_all_ranks(str(error))


def _attach(pointer: Any) -> None:
    from lammps import lammps

    global _handle
    _handle = _Handle()
    _handle.lammps = lammps(ptr=pointer)
    _handle.n_ranks = _handle.lammps.extract_setting("world_size")
    if not _handle.lammps.has_style("pair", "mliap"):
        raise EngineError("this lmp has Python but not ML-IAP; build one with both (see cmake/)")
    if _handle.lammps.extract_setting("newton_pair") == 0:
        raise EngineError("the potential needs `newton on` at the top of the input script")


def _check(potential: str, elements: list[str]) -> None:
    from pykoh.engines.artifact import load_artifact

    known = load_artifact(potential)[0].elements
    missing = [element for element in elements if element not in known]
    if missing:
        raise EngineError(
            f"{potential}: knows {', '.join(known)}, not {', '.join(missing)}; use a potential "
            "trained on all elements of the box"
        )


def check_masses(elements: list[str]) -> None:
    """Compare the masses of the atom types with the elements that ``pair_coeff`` gives them.

    Args:
        elements: of the types, in order; where there are none or the masses are not set yet,
            nothing is compared.

    Raises:
        EngineError: a type has the mass of another element.
    """
    masses = _handle.lammps.numpy.extract_atom("mass")
    if masses is None:
        return
    for number, (mass, element) in enumerate(zip(np.array(masses)[1:], elements, strict=False), 1):
        if mass > 0 and element_of_mass(float(mass), [element]) is None:
            raise EngineError(
                f"atom type {number} has mass {mass:g}, which is not that of {element}; order the "
                f"elements of pair_coeff as the types of the data file (now: {' '.join(elements)})"
            )


def _communicator() -> Any:
    """Return mpi4py's communicator; Kokkos needs none, it exchanges by itself."""
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise EngineError(
            "several MPI ranks without Kokkos need mpi4py, built for the MPI of LAMMPS: "
            "pip install mpi4py"
        ) from error
    if MPI.COMM_WORLD.size < _handle.n_ranks:
        raise EngineError(
            f"mpi4py sees {MPI.COMM_WORLD.size} rank and LAMMPS {_handle.n_ranks}: they use "
            "different MPI libraries; install mpi4py for the MPI that LAMMPS was built with"
        )
    return MPI.COMM_WORLD


def single_rank() -> bool:
    """Return whether a LAMMPS has attached that runs on one rank."""
    return _handle.lammps is not None and _handle.n_ranks == 1


def rebuilt(n_local: int, n_total: int) -> bool:
    """Return whether the rows of atoms and ghosts may be others than at the last call.

    They change when LAMMPS rebuilds its neighbour list, on all ranks at once. A LAMMPS that has
    not attached, or that does not tell when it did (before 2026), is taken to have rebuilt it.

    Args:
        n_local: atoms of this rank.
        n_total: with ghosts.
    """
    if _handle.lammps is None:
        return True
    age = _handle.lammps.extract_setting("neigh_ago")
    if age < 0:
        return True
    built = (int(_handle.lammps.extract_global("ntimestep")) - age, n_local, n_total)
    if age > 0 and built == _handle.built:
        return False
    _handle.built = built
    return True


def ghosts(n_local: int, n_total: int) -> tuple[torch.Tensor | None, Exchange | None]:
    """Return how this step's ghosts are served.

    Args:
        n_local: atoms of this rank.
        n_total: with ghosts.

    Returns:
        On one rank the owner's row of every row, ``[n_total]``, and no exchange. On several no
        owners, and the exchange. Both are kept until the tags change; to be called on all ranks
        when :func:`rebuilt` says so.

    Raises:
        EngineError: no LAMMPS has attached; or there are several ranks without mpi4py, or with an
            mpi4py of another MPI.
    """
    if _handle.lammps is None:
        raise EngineError(
            "pair_style mliap needs the atom tags of LAMMPS; put these lines before pair_style: "
            "python attach input 1 SELF format p here "
            '"from pykoh.engines.tags import attach"  and  python attach invoke'
        )
    tags = np.array(_handle.lammps.numpy.extract_atom("id", nelem=n_total)).reshape(-1)
    unchanged = (
        _handle.tags is not None
        and _handle.n_local == n_local
        and np.array_equal(_handle.tags, tags)
    )
    if _handle.n_ranks > 1:
        if _handle.communicator is None:
            _handle.communicator = _communicator()
        # All ranks renew their tables together or none does.
        unchanged = bool(_handle.communicator.allreduce(int(not unchanged)) == 0)
    if not unchanged:
        _handle.tags, _handle.n_local = tags, n_local
        if _handle.n_ranks == 1:
            _handle.owners = torch.from_numpy(_rows_of(tags[:n_local])[tags])
        else:
            _handle.exchange = TagExchange(_handle.communicator, tags, n_local)
    return _handle.owners, _handle.exchange


def check_species(species: torch.Tensor, elements: Sequence[str]) -> None:
    """Compare the elements that LAMMPS passes with the masses of the atoms' types.

    For inputs that do not tell :func:`attach` their elements; plain ``mliap`` only.

    Args:
        species: ``[n_local]`` index into ``elements``.
        elements: of the potential.

    Raises:
        EngineError: a type has the mass of another element.
    """
    kinds = np.array(_handle.lammps.numpy.extract_atom("type", nelem=len(species))).reshape(-1)
    of_type: dict[int, str] = {}
    for kind, index in zip(kinds.tolist(), species.tolist(), strict=True):
        of_type.setdefault(kind, elements[index])
    masses = np.array(_handle.lammps.numpy.extract_atom("mass"))
    for kind, element in sorted(of_type.items()):
        if element_of_mass(float(masses[kind]), [element]) is None:
            raise EngineError(
                f"atom type {kind} has mass {masses[kind]:g}, but pair_coeff makes it {element}; "
                "order the elements of pair_coeff as the types of the data file"
            )


def _rows_of(tags: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the row of each tag ``[max tag + 1]``; -1 for tags that are not there."""
    rows = np.full(int(tags.max(initial=0)) + 1, -1, dtype=np.int64)
    rows[tags] = np.arange(len(tags))
    return rows


class TagExchange:
    """Features of ghosts over MPI: each distinct ghost tag is sent once to each rank.

    Args:
        communicator: of mpi4py, with the ranks of LAMMPS.
        tags: ``[n_total]`` tags of this rank's atoms, then of its ghosts.
        n_local: how many of them are its own.
    """

    def __init__(self, communicator: Any, tags: NDArray[np.integer], n_local: int) -> None:
        self.communicator = communicator
        n_ranks = communicator.size
        own = np.ascontiguousarray(tags[:n_local], dtype=np.int64)
        counts = np.array(communicator.allgather(n_local))
        all_tags = np.empty(counts.sum(), dtype=np.int64)
        communicator.Allgatherv(own, [all_tags, counts])
        home = np.full(int(all_tags.max(initial=0)) + 1, -1, dtype=np.int64)
        row = np.zeros_like(home)
        home[all_tags] = np.repeat(np.arange(n_ranks), counts)
        row[all_tags] = np.concatenate([np.arange(count) for count in counts])
        wanted, which = np.unique(tags[n_local:], return_inverse=True)
        order = np.argsort(home[wanted], kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        self.receive_counts = np.bincount(home[wanted], minlength=n_ranks)
        self.send_counts = np.array(communicator.alltoall(list(self.receive_counts)))
        requests = np.ascontiguousarray(row[wanted][order])
        asked = np.empty(self.send_counts.sum(), dtype=np.int64)
        communicator.Alltoallv([requests, self.receive_counts], [asked, self.send_counts])
        self.send_rows = torch.from_numpy(asked)
        self.ghost_rows = torch.from_numpy(place[which].astype(np.int64))
        self.n_received = len(wanted)

    def forward(self, local: torch.Tensor, n_total: int) -> torch.Tensor:
        """Append to the local rows the rows of the ghosts' owners."""
        width = local.shape[1]
        sent = local.index_select(0, self.send_rows).contiguous()
        received = local.new_empty((self.n_received, width))
        self.communicator.Alltoallv(
            [sent.numpy(), self.send_counts * width],
            [received.numpy(), self.receive_counts * width],
        )
        return torch.cat([local, received.index_select(0, self.ghost_rows)], 0)

    def reverse(self, full: torch.Tensor, n_local: int) -> torch.Tensor:
        """Sum the ghosts' rows into their owners' rows."""
        width = full.shape[1]
        gathered = full.new_zeros((self.n_received, width))
        gathered.index_add_(0, self.ghost_rows, full[n_local:])
        returned = full.new_empty((len(self.send_rows), width))
        self.communicator.Alltoallv(
            [gathered.numpy(), self.receive_counts * width],
            [returned.numpy(), self.send_counts * width],
        )
        return full[:n_local].index_add(0, self.send_rows, returned)
