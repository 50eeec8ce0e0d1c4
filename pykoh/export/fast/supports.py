"""Which MACE models the fast route represents."""

from __future__ import annotations

import torch

from pykoh.export.fast.tables import MAX_PAIR_TABLES

_INTERACTIONS = {
    "RealAgnosticInteractionBlock",
    "RealAgnosticResidualInteractionBlock",
    "RealAgnosticDensityInteractionBlock",
    "RealAgnosticDensityResidualInteractionBlock",
}
_READOUTS = {"LinearReadoutBlock", "NonLinearReadoutBlock"}
MAX_ELL = 3
MAX_CORRELATION = 3


def _has_natural_parity(irreps: object) -> bool:
    parts = [(part.ir.l, part.ir.p) for part in irreps]  # type: ignore[attr-defined]
    return parts == [(ell, (-1) ** ell) for ell in range(len(parts))]


def obstacle(model: torch.nn.Module) -> str | None:
    """Return what keeps a model from the fast route, or None if it has it.

    Args:
        model: an eager model that :func:`pykoh.export.read.read_mace_model` accepted.
    """
    if hasattr(model, "pair_repulsion_fn"):
        return "it has ZBL pair repulsion"
    if hasattr(model, "joint_embedding") or hasattr(model, "embedding_readout"):
        return "it has a joint embedding"
    ells = [part.ir.l for part in model.spherical_harmonics.irreps_out]
    if ells != list(range(len(ells))) or ells[-1] > MAX_ELL:
        return f"its max_ell is {max(ells)}, above {MAX_ELL}"
    if hasattr(model.radial_embedding, "distance_transform"):
        species = int(model.atomic_numbers.numel())
        if species * (species + 1) // 2 > MAX_PAIR_TABLES:
            return f"its distance transform needs a table for each pair of its {species} elements"
    for block in model.interactions:
        name = type(block).__name__
        if name not in _INTERACTIONS:
            return f"it has {name}"
        for irreps in (block.node_feats_irreps, block.hidden_irreps, block.conv_tp.irreps_in1):
            if not _has_natural_parity(_as_irreps(irreps)):
                return f"its hidden features are {irreps}: not one block of parity (-1)^l per l"
        if len({part.mul for part in block.conv_tp.irreps_in1}) > 1:
            return f"its hidden features are {block.conv_tp.irreps_in1}: not as many for each l"
        if not hasattr(block.conv_tp_weights, "__iter__"):
            return f"its radial network is a {type(block.conv_tp_weights).__name__}"
        if [part.ir.l for part in block.linear.irreps_out] != ells:
            return f"its messages are {block.linear.irreps_out}"
    for product in model.products:
        contractions = product.symmetric_contractions.contractions
        if max(each.correlation for each in contractions) > MAX_CORRELATION:
            return f"its correlation is above {MAX_CORRELATION}"
    for readout in model.readouts:
        if type(readout).__name__ not in _READOUTS:
            return f"it has {type(readout).__name__}"
        if hasattr(readout, "non_linearity"):
            gates = [getattr(act, "f", act) for act in readout.non_linearity.acts]
            if gates != [torch.nn.functional.silu]:
                return "the gate of its readout is not silu"
    return None


def _as_irreps(irreps: object) -> object:
    """Return irreps from irreps or their text (MACE keeps either)."""
    from e3nn import o3

    return o3.Irreps(irreps)
