"""A foundation model made ready for fine-tuning: precision, elements, the zero of its energy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pykoh.errors import TrainingError
from pykoh.export.read import mace_calculator, read_mace_model
from pykoh.files import replacing
from pykoh.reference.labels import ENERGY
from pykoh.training.grow import grow

if TYPE_CHECKING:
    from ase import Atoms


def adapt_foundation(
    source: Path,
    target: Path,
    frames: Sequence[Atoms],
    e0_eV: dict[str, float],
    dtype: str,
    new_zero: bool,
    grow_ell: int | None = None,
    seed: int = 1,
) -> None:
    """Copy a model in the precision of the training and on the energy scale of its labels.

    mace-torch 0.3.16 lets the isolated-atom energies of a foundation model with as many elements
    as the data overwrite the ones it is given (``load_foundations_elements`` copies every buffer
    of equal shape). With ``new_zero`` the copy therefore carries the labels' energies, and its
    mean interaction energy per atom is moved to that of the labels, as a training from scratch
    would begin. Forces stay what they are.

    Args:
        source: ``.model`` file.
        target: to write.
        frames: labelled frames that will be trained on.
        e0_eV: energies of the isolated atoms, eV.
        dtype: float32 or float64.
        new_zero: False where the foundation keeps a head of its own.
        grow_ell: a larger max_ell that the copy gets (:mod:`pykoh.training.grow`).
        seed: of what is new in it.

    Raises:
        TrainingError: the model does not know an element of the frames, or cannot grow.
        ModelError: the file is not a MACE model.
    """
    import torch
    from ase.data import chemical_symbols

    model = read_mace_model(source)
    known = [chemical_symbols[int(z)] for z in model.atomic_numbers]
    missing = [symbol for symbol in e0_eV if symbol not in known]
    if missing:
        raise TrainingError(
            f"{source}: does not know {', '.join(missing)} (its elements: {' '.join(known)}); "
            "choose another --foundation"
        )
    if grow_ell is not None:
        model = grow(model, grow_ell, seed)
    if new_zero:
        energies = model.atomic_energies_fn.atomic_energies
        for symbol, energy in e0_eV.items():
            energies[..., known.index(symbol)] = energy
        shift = _mean_residual(model, frames)
        if model.scale_shift is not None:
            model.scale_shift.shift += shift
    with replacing(target) as temporary:
        torch.save(model.to(getattr(torch, dtype)), temporary)


def _mean_residual(model: Any, frames: Sequence[Atoms]) -> float:
    """Return the mean error of the energy per atom, label less model, eV."""
    calculator = mace_calculator(model)
    errors = []
    for labelled in frames:
        atoms = labelled.copy()
        atoms.calc = calculator
        errors.append((labelled.info[ENERGY] - atoms.get_potential_energy()) / len(atoms))
    return float(np.mean(errors))


def check_zero(model_path: Path, e0_eV: dict[str, float]) -> None:
    """Raise :class:`TrainingError` unless a trained model carries the energies it was given."""
    from ase.data import atomic_numbers

    model = read_mace_model(model_path)
    numbers = [int(z) for z in model.atomic_numbers]
    energies = model.atomic_energies_fn.atomic_energies.detach().double().numpy().reshape(-1)
    for symbol, energy in e0_eV.items():
        found = float(energies[numbers.index(atomic_numbers[symbol])])
        if abs(found - energy) > 1e-4 * max(1.0, abs(energy)):
            raise TrainingError(
                f"{model_path}: the trained model has {found:.4f} eV for the isolated {symbol} "
                f"atom instead of {energy:.4f}; this version of mace-torch lost it"
            )
