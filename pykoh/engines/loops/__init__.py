"""Compiled loops over atoms and pairs of neighbours."""

KERNELS = (
    "pykoh.engines.loops.messages",
    "pykoh.engines.loops.mixing",
    "pykoh.engines.loops.update",
    "pykoh.engines.loops.contraction",
    "pykoh.engines.loops.rows",
    "pykoh.engines.loops.pairs",
    "pykoh.engines.loops.waiting",
)
"""What is compiled ahead for a potential without vectors, the last needed first."""
