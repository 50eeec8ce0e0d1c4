"""A foundation with more parameters and the same energies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pykoh.errors import TrainingError
from pykoh.training.grow import grow
from pykoh.training.rebuild import energy_change
from pykoh.training.widen import widen


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
    change = energy_change(model, larger)
    if change is not None:
        raise TrainingError(
            f"--grow-ell, --grow-channels: the energy of a box of 27 atoms changes by {change:.2g} "
            "eV, because pykoh does not know this kind of model; leave both out"
        )
    return larger
