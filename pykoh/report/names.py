"""How species, pairs and hydrogen bonds are written for a reader."""

from __future__ import annotations

_SPECIES = {
    "OH-": "OH⁻",
    "OH-_vehicular": "OH⁻, vehicular part",
    "OH-_structural": "OH⁻, structural part",
    "H2O": "H₂O",
    "H": "H (all)",
    "O": "O (all)",
}
_MOLECULES = {"OH-": "OH⁻", "H2O": "H₂O"}


def species(key: str) -> str:
    """Return ``OH⁻`` for ``OH-``, ``K⁺`` for ``K+``."""
    if key in _SPECIES:
        return _SPECIES[key]
    return key.replace("+", "⁺").replace("-", "⁻")


def bond(key: str) -> str:
    """Return ``H₂O → OH⁻`` (donor → acceptor) for ``H2O_OH-``."""
    donor, _, acceptor = key.partition("_")
    return f"{_MOLECULES.get(donor, donor)} → {_MOLECULES.get(acceptor, acceptor)}"


def pair(key: str, cation: str = "K") -> str:
    """Return ``O*–Ow`` for ``O*-Ow`` and ``K⁺–O*`` for ``K-O*``."""
    ends = [f"{end}⁺" if end == cation else end for end in key.split("-")]
    return "–".join(ends)
