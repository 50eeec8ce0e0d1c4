"""Compiled loops over atoms and pairs of neighbours."""

from typing import Any

KERNELS = (
    "pykoh.engines.loops.force_call",
    "pykoh.engines.loops.rows",
    "pykoh.engines.loops.messages",
    "pykoh.engines.loops.contraction",
    "pykoh.engines.loops.update",
    "pykoh.engines.loops.mixing",
    "pykoh.engines.loops.pairs",
    "pykoh.engines.loops.waiting",
)
"""What is compiled ahead for a potential without vectors, what takes longest first."""

VECTOR_KERNELS = (
    "pykoh.engines.loops.force_call",
    "pykoh.engines.loops.paths",
    "pykoh.engines.loops.contraction_many",
    *(name for name in KERNELS if not name.endswith((".update", ".mixing", ".force_call"))),
)
"""The same for a potential with vectors, whose updates are left to torch."""


def kernels_of(graph: Any) -> tuple[str, ...]:
    """Return the modules whose loops a graph calls.

    Args:
        graph: :class:`pykoh.engines.graph.graph.FastGraph`.
    """
    has_vectors = any(hasattr(layer.messages, "groups") for layer in graph.layers)
    return VECTOR_KERNELS if has_vectors else KERNELS
