"""Transport, proton hops, hydrogen bonds and structure from trajectories."""

KERNELS = tuple(
    f"pykoh.{name}"
    for name in (
        "analysis.per_frame",
        "analysis.hops.identity_kernel",
        "analysis.structure.rdf",
        "analysis.structure.hydroxide_pairs",
        "analysis.structure.contacts",
        "analysis.common.survival",
        "analysis.common.geometry",
        "analysis.common.msd_order_n",
        "analysis.hops.rattle_kernel",
        "analysis.transport.straight_line",
        "analysis.hops.events",
        "trajectory.unwrapping",
        "trajectory.parsing",
    )
)
"""Modules with compiled loops: those that take longest to compile first, and what the first frame
needs last."""
