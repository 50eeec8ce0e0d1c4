"""A hydrogen-bond criterion of your own: a short distance allows a larger angle."""

from __future__ import annotations

from pykoh.analysis.hydrogen_bonds.criteria import Criterion


def harmonic(r_da: float, r_dh: float, r_ha: float, angle_deg: float) -> bool:
    """((r(DA) - 2.8 Å) / 0.6 Å)² + (angle H-D-A / 40°)² < 1."""
    return ((r_da - 2.8) / 0.6) ** 2 + (angle_deg / 40.0) ** 2 < 1.0


HARMONIC = Criterion(
    name="harmonic",
    max_distance_A=3.4,  # the rule cannot hold beyond
    max_angle_deg=40.0,
    bend_A_per_deg2=0.0,
    max_hydrogen_A=None,
    source="an example of pykoh",
    doi="",
    rule=harmonic,
)
