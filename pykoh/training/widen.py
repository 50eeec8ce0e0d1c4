"""A MACE model with more channels and the same energies.

The first channels of the wider model have the values of the old ones. The new channels read the old
ones, with random weights, but nothing that the old model has reads them: these weights are zero, as
in the networks of doi:10.48550/arXiv.1511.05641. Fine-tuning starts from this model and gives the
new channels something to do.
"""

from __future__ import annotations

from typing import Any

from pykoh.errors import TrainingError
from pykoh.training.rebuild import rebuilt, scalar_config


def widen(model: Any, channels: int, seed: int) -> Any:
    """Return a model with ``channels`` scalar features whose energies are those of ``model``.

    Args:
        model: model of mace-torch.
        channels: of each atom's features; more than the model has.
        seed: for the weights of the new channels; they have no effect on the energy at first.

    Raises:
        TrainingError: the model already has as many channels, its features are not scalars, or its
            weights cannot be kept.
    """
    import torch
    from e3nn import o3

    config = scalar_config(model, "--grow-channels")
    present = o3.Irreps(config["hidden_irreps"]).num_irreps
    if present >= channels:
        raise TrainingError(f"--grow-channels {channels}: the foundation has {present}; give more")
    config["hidden_irreps"] = o3.Irreps([(channels, (0, 1))])
    wider = rebuilt(model, config, seed)
    with torch.no_grad():
        kept = _keep_products(model, wider) | _keep_same(model, wider)
    left = sorted({name for name, _ in model.named_parameters()} - kept)
    if left:
        raise TrainingError(
            f"--grow-channels: {left[0]} of this model cannot be kept; leave it out"
        )
    return wider


def _keep_products(model: Any, wider: Any) -> set[str]:
    """Set the weights of e3nn's products of features; return the names of what was set.

    e3nn divides each weight by the root of the number of its terms, so that weights grow with it.
    """
    from e3nn import o3

    modules = dict(wider.named_modules())
    kept = set()
    for name, small in model.named_modules():
        if not isinstance(small, o3.Linear | o3.FullyConnectedTensorProduct):
            continue
        large = modules[name]
        pairs = zip(small.instructions, large.instructions, strict=True)
        views = zip(small.weight_views(), large.weight_views(), strict=True)
        for (old, new), (given, wanted) in zip(pairs, views, strict=True):
            wanted[..., : given.shape[-1]] = 0.0  # what the old model has reads no new channel
            kept_part = tuple(slice(length) for length in given.shape)
            wanted[kept_part] = given * (old.path_weight / new.path_weight)
        kept.add(f"{name}.weight")
    return kept


def _keep_same(model: Any, wider: Any) -> set[str]:
    """Set what has the same shape, or one column for each channel; return the names."""
    state, kept = wider.state_dict(), set()
    channels = model.products[0].linear.irreps_in.num_irreps
    for name, value in model.state_dict().items():
        wanted = state[name]
        if wanted.shape == value.shape:
            wanted.copy_(value)
        elif ".conv_tp_weights." in name:  # [inputs, paths * channels]
            given = value.reshape(len(value), -1, channels)
            wanted.reshape(len(value), given.shape[1], -1)[..., :channels] = given
        elif ".symmetric_contractions." in name:  # [elements, paths, channels]
            wanted[..., : value.shape[-1]] = value
        else:
            continue
        kept.add(name)
    return kept
