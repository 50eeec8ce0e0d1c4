"""Which MACE models the fast route represents."""

from __future__ import annotations

from typing import Any

import torch

from pykoh.engines.graph import linear
from pykoh.engines.graph.tables import MAX_PAIR_TABLES, pairs_of_species

_INTERACTIONS = {
    "RealAgnosticInteractionBlock",
    "RealAgnosticResidualInteractionBlock",
    "RealAgnosticDensityInteractionBlock",
    "RealAgnosticDensityResidualInteractionBlock",
    "RealAgnosticResidualNonLinearInteractionBlock",
}
_READOUTS = {"LinearReadoutBlock", "NonLinearReadoutBlock", "NonLinearBiasReadoutBlock"}
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
    if len(pairs_of_species(model)[0]) > MAX_PAIR_TABLES:
        species = int(model.atomic_numbers.numel())
        return f"its radial functions need a table for each pair of its {species} elements"
    for block in model.interactions:
        name = type(block).__name__
        if name not in _INTERACTIONS:
            return f"it has {name}"
        for irreps in (block.node_feats_irreps, block.hidden_irreps, block.conv_tp.irreps_in1):
            if not _has_natural_parity(_as_irreps(irreps)):
                return f"its hidden features are {irreps}: not one block of parity (-1)^l per l"
        if len({part.mul for part in block.conv_tp.irreps_in1}) > 1:
            return f"its hidden features are {block.conv_tp.irreps_in1}: not as many for each l"
        if linear.is_gated(block):
            reason = _obstacle_of_gate(model, block)
            if reason is not None:
                return reason
        elif not hasattr(block.conv_tp_weights, "__iter__"):
            return f"its radial network is a {type(block.conv_tp_weights).__name__}"
        if [part.ir.l for part in linear.mixing(block).irreps_out] != ells:
            return f"its messages are {linear.mixing(block).irreps_out}"
    for product in model.products:
        contractions = product.symmetric_contractions.contractions
        if max(each.correlation for each in contractions) > MAX_CORRELATION:
            return f"its correlation is above {MAX_CORRELATION}"
    for readout in model.readouts:
        if type(readout).__name__ not in _READOUTS:
            return f"it has {type(readout).__name__}"
        if hasattr(readout, "linear_mid") and _has_higher_parts(readout):
            return "its readout reads vectors"
        if hasattr(readout, "non_linearity"):
            gates = [getattr(act, "f", act) for act in readout.non_linearity.acts]
            if gates != [torch.nn.functional.silu]:
                return "the gate of its readout is not silu"
    return None


def _obstacle_of_gate(model: Any, block: Any) -> str | None:
    """Return what keeps a non-linear interaction block from the fast route, or None."""
    if not hasattr(block.conv_tp_weights, "net"):
        return f"its radial network is a {type(block.conv_tp_weights).__name__}"
    if getattr(model.radial_embedding, "apply_cutoff", True):
        return "its radial functions have a bias that does not end at the cutoff"
    senders = linear.channels(block.conv_tp.irreps_in1)
    if not set(senders) <= set(linear.channels(block.node_feats_irreps)):
        return f"its messages take features of {block.conv_tp.irreps_in1} that no atom has"
    gate = block.equivariant_nonlin
    if getattr(gate, "_layout_is_ir_mul", False):
        return "its features are in cuEquivariance's layout"
    parts = [*gate.irreps_scalars, *gate.irreps_gates, *gate.irreps_gated]
    if len({part.mul for part in parts}) > 1 or len(gate.irreps_scalars) != 1:
        return f"its gate takes {gate.irreps_in}: not as many channels for each l"
    if [part.ir.l for part in gate.irreps_gated] != list(range(1, 1 + len(gate.irreps_gated))):
        return f"its gate takes {gate.irreps_in}: not each l once"
    return None


def _has_higher_parts(readout: torch.nn.Module) -> bool:
    return any(part.ir.l > 0 for part in readout.linear_1.irreps_out)


def _as_irreps(irreps: object) -> object:
    """Return irreps from irreps or their text (MACE keeps either)."""
    from e3nn import o3

    return o3.Irreps(irreps)
