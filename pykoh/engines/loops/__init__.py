"""Compiled loops over atoms and pairs of neighbours."""

from typing import Any

_ALWAYS = (
    "pykoh.engines.loops.pairs",
    "pykoh.engines.loops.totals",
    "pykoh.engines.loops.waiting",
)
KERNELS = ("pykoh.engines.loops.force_call", "pykoh.engines.loops.passes", *_ALWAYS)
"""What is compiled ahead for a potential without vectors, what takes longest first."""

_OF_ALL = ("pykoh.engines.loops.messages", "pykoh.engines.loops.rows")
GHOST_KERNELS = (
    "pykoh.engines.loops.contraction",
    *_OF_ALL,
    "pykoh.engines.loops.update",
    "pykoh.engines.loops.mixing",
    *_ALWAYS,
)
"""The same where ghost atoms get what atoms send, between one loop and the next (``lmp``)."""

VECTOR_KERNELS = (
    "pykoh.engines.loops.paths",
    "pykoh.engines.loops.contraction_many",
    "pykoh.engines.loops.contraction",
    *_OF_ALL,
    *_ALWAYS,
)
"""For a potential with vectors, whose updates are left to torch."""


def kernels_of(graph: Any, ghosts: bool) -> tuple[str, ...]:
    """Return the modules whose loops a graph calls.

    Args:
        graph: :class:`pykoh.engines.graph.graph.FastGraph`.
        ghosts: some atoms are copies of others.
    """
    if any(hasattr(layer.messages, "groups") for layer in graph.layers):
        return VECTOR_KERNELS
    return GHOST_KERNELS if ghosts else KERNELS
