"""The one operator that the exported graph does not do itself: features of ghost atoms.

Between two message-passing layers the graph calls ``torch.ops.pykoh.ghost_exchange(x, n_total)``.
What it does is the engine's business: the engine that runs the graph puts an :class:`Exchange`
in force with :func:`exchanging` for the time of one force call. Importing this module registers
the operator; it has to happen before ``torch.jit.load``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import torch


class Exchange(Protocol):
    """How one engine brings ghost atoms the features of their owners."""

    def forward(self, local: torch.Tensor, n_total: int) -> torch.Tensor:
        """Return ``[n_total, k]``: the local rows followed by the ghosts' rows."""

    def reverse(self, full: torch.Tensor, n_local: int) -> torch.Tensor:
        """Return ``[n_local, k]``: the adjoint, ghosts' rows summed into their owners'."""


class OwnersOnThisRank:
    """Ghosts whose owners are all on this rank: a gather and its adjoint.

    Args:
        owners: ``[n_ghost]`` int64, row of the owner of each ghost.
    """

    def __init__(self, owners: torch.Tensor) -> None:
        self.owners = owners

    def forward(self, local: torch.Tensor, n_total: int) -> torch.Tensor:
        """Append to the local rows a copy of its owner's row for each ghost."""
        return torch.cat([local, local.index_select(0, self.owners)], 0)

    def reverse(self, full: torch.Tensor, n_local: int) -> torch.Tensor:
        """Add each ghost's row to its owner's."""
        return full[:n_local].index_add(0, self.owners, full[n_local:])


_in_force: list[Exchange] = []


@contextmanager
def exchanging(exchange: Exchange | None) -> Iterator[None]:
    """Use ``exchange`` for the operator inside the block (None: there are no ghosts)."""
    if exchange is None:
        yield
        return
    _in_force.append(exchange)
    try:
        yield
    finally:
        _in_force.pop()


def _current(n_rows: int, n_total: int) -> Exchange:
    if not _in_force:
        raise RuntimeError(
            f"the potential was given {n_total - n_rows} ghost atoms, but the engine that calls it "
            "has put no exchange in force (pykoh.engines.ghost.exchanging)"
        )
    return _in_force[-1]


def with_ghosts(x: torch.Tensor, n_total: int) -> torch.Tensor:
    """Return ``[n_total, k]`` features from the ``[n_local, k]`` of the local atoms."""
    return x if x.shape[0] == n_total else _current(x.shape[0], n_total).forward(x, n_total)


def without_ghosts(gradient: torch.Tensor, n_local: int) -> torch.Tensor:
    """Return ``[n_local, k]``: the adjoint of :func:`with_ghosts`."""
    if gradient.shape[0] == n_local:
        return gradient
    return _current(n_local, gradient.shape[0]).reverse(gradient, n_local)


def _ghost_exchange(x: torch.Tensor, n_total: int) -> torch.Tensor:
    """Do the same as :func:`with_ghosts` as an operator, whose result is never its argument."""
    return x.clone() if x.shape[0] == n_total else with_ghosts(x, n_total)


def _ghost_reduce(gradient: torch.Tensor, n_local: int) -> torch.Tensor:
    """Do the same as :func:`without_ghosts` as an operator."""
    return gradient.clone() if gradient.shape[0] == n_local else without_ghosts(gradient, n_local)


def _shape_of_exchange(x: torch.Tensor, n_total: int) -> torch.Tensor:
    return x.new_empty((n_total, *x.shape[1:]))


def _shape_of_reduce(gradient: torch.Tensor, n_local: int) -> torch.Tensor:
    return gradient.new_empty((n_local, *gradient.shape[1:]))


def _setup(ctx: torch.autograd.function.FunctionCtx, inputs: tuple, output: torch.Tensor) -> None:
    ctx.n_local = inputs[0].shape[0]  # type: ignore[attr-defined]


def _backward(
    ctx: torch.autograd.function.FunctionCtx, gradient: torch.Tensor
) -> tuple[torch.Tensor, None]:
    n_local: int = ctx.n_local  # type: ignore[attr-defined]
    return torch.ops.pykoh.ghost_reduce(gradient.contiguous(), n_local), None


# Not torch.library.custom_op: its first call imports torch's compiler, which nothing here uses and
# which takes each rank of an lmp more than a second.
_library = torch.library.Library("pykoh", "FRAGMENT")
_library.define("ghost_exchange(Tensor x, SymInt n_total) -> Tensor")
_library.define("ghost_reduce(Tensor gradient, SymInt n_local) -> Tensor")
_library.impl("ghost_exchange", _ghost_exchange, "CompositeExplicitAutograd")
_library.impl("ghost_reduce", _ghost_reduce, "CompositeExplicitAutograd")
torch.library.register_fake("pykoh::ghost_exchange", _shape_of_exchange, lib=_library)
torch.library.register_fake("pykoh::ghost_reduce", _shape_of_reduce, lib=_library)
torch.library.register_autograd(
    "pykoh::ghost_exchange", _backward, setup_context=_setup, lib=_library
)
