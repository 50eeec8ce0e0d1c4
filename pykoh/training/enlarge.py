"""A foundation with more parameters and the same energies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pykoh.errors import TrainingError
from pykoh.export.read import mace_calculator
from pykoh.training.grow import grow
from pykoh.training.widen import widen

# Largest change of an energy, relative to the root mean square of the forces times 1 Å.
_TOLERANCE = {"float32": 1e-3, "float64": 1e-8}


@dataclass(frozen=True, slots=True)
class Growth:
    """What a foundation gets before it is fine-tuned.

    Attributes:
        max_ell: larger max_ell (:mod:`pykoh.training.grow`), or None.
        channels: more channels (:mod:`pykoh.training.widen`), or None.
        seed: for the new weights.
    """

    max_ell: int | None = None
    channels: int | None = None
    seed: int = 1


def enlarge(model: Any, growth: Growth | None) -> Any:
    """Return a model with more parameters whose energies are those of ``model``.

    Args:
        model: model of mace-torch.
        growth: what it gets; without anything, or with None, the model itself is returned.

    Raises:
        TrainingError: the model is as large already, or its energies cannot be kept.
    """
    if growth is None:
        return model
    larger = model if growth.max_ell is None else grow(model, growth.max_ell, growth.seed)
    if growth.channels is not None:
        larger = widen(larger, growth.channels, growth.seed)
    if larger is not model:
        _check_same(model, larger)
    return larger


def _check_same(model: Any, larger: Any) -> None:
    """Raise :class:`TrainingError` unless both models give one small box the same energy."""
    import numpy as np
    from ase import Atoms
    from ase.data import chemical_symbols

    symbols = [chemical_symbols[int(z)] for z in model.atomic_numbers]
    sites = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    moved = np.random.default_rng(0).uniform(-0.3, 0.3, size=sites.shape)
    box = Atoms(
        [symbols[i % len(symbols)] for i in range(len(sites))],
        positions=2.0 * sites + moved,
        cell=[6.0] * 3,
        pbc=True,
    )
    changes, scale = [], 0.0
    for calculator in (mace_calculator(model), mace_calculator(larger)):
        box.calc = calculator
        changes.append(box.get_potential_energy())
        scale = float(np.sqrt(np.mean(box.get_forces() ** 2)))
    change = changes[1] - changes[0]
    precision = str(next(model.parameters()).dtype).removeprefix("torch.")
    if not abs(change) <= _TOLERANCE[precision] * scale:
        raise TrainingError(
            f"--grow-ell, --grow-channels: the energy of a box of 27 atoms changes by "
            f"{change:.2g} eV, because pykoh does not know this kind of model; leave both out"
        )
