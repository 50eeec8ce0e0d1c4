"""Several potentials on one frame: how far do their forces differ?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def disagreement(forces: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation of each atom's force vector over a committee, in eV/Å.

        σ_i = sqrt(1 / (n − 1) Σ_m |F_i^m − <F_i>|²),

    Zhang et al., Comput. Phys. Commun. 253 (2020) 107206, doi:10.1016/j.cpc.2020.107206 (there
    with 1/n).

    Args:
        forces: ``[n_potentials, n_atoms, 3]`` eV/Å, at least two potentials.
    """
    centred = forces - forces.mean(axis=0)
    sigma: NDArray[np.float64] = np.sqrt((centred**2).sum(axis=(0, 2)) / (len(forces) - 1))
    return sigma
