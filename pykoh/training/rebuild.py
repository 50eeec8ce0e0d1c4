"""A MACE model of another size, with random weights, from the options of a given one."""

from __future__ import annotations

import warnings
from typing import Any

from pykoh.errors import TrainingError


def scalar_config(model: Any, option: str) -> dict[str, Any]:
    """Return the options that mace-torch makes a model from.

    Args:
        model: model of mace-torch with scalar features.
        option: of the command line, for errors.

    Raises:
        TrainingError: mace-torch cannot tell the options, or the features are not scalars.
    """
    from mace.tools.scripts_utils import extract_config_mace_model

    config: dict[str, Any] = extract_config_mace_model(model)
    if "error" in config:
        raise TrainingError(f"{option}: {config['error']}; leave it out")
    if config["hidden_irreps"].lmax > 0:
        raise TrainingError(f"{option}: only works for models with scalar features (max L 0)")
    return config


def rebuilt(model: Any, config: dict[str, Any], seed: int) -> Any:
    """Return a new model of the same kind and precision, with random weights.

    Args:
        model: of mace-torch; it is not changed.
        config: options of the new model.
        seed: for its weights.
    """
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(next(model.parameters()).dtype)
    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of mace-torch and TorchScript, about their own code
            torch.manual_seed(seed)
            return type(model)(**config)
    finally:
        torch.set_default_dtype(before)
