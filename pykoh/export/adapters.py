"""Parts of MACE models in a form that TorchScript compiles and that gives the energy alone."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

import torch

from pykoh.errors import ModelError

_ACTIVATIONS = {
    torch.nn.functional.silu: torch.nn.SiLU,
    torch.nn.functional.sigmoid: torch.nn.Sigmoid,
    torch.sigmoid: torch.nn.Sigmoid,
    torch.tanh: torch.nn.Tanh,
    torch.nn.functional.tanh: torch.nn.Tanh,
    None: torch.nn.Identity,
}


def _module_of(function: Any) -> torch.nn.Module:
    kind = _ACTIVATIONS.get(function)
    if kind is None:
        name = getattr(function, "__name__", str(function))
        raise ModelError(f"its interaction block has the activation {name}, which is not supported")
    return kind()


class Gate(torch.nn.Module):
    """Activated scalars beside features of l > 0, each multiplied with an activated scalar.

    The same as mace-torch's class, whose activations are optional callables, which TorchScript does
    not know. The constants are taken from the block.

    Args:
        block: mace-torch's ``GatedEquivariantBlock``.

    Raises:
        ModelError: its activation or its layout is not known here.
    """

    def __init__(self, block: Any) -> None:
        super().__init__()
        if block._layout_is_ir_mul:
            raise ModelError(
                "its features are in cuEquivariance's layout; convert it to e3nn first"
            )
        self.scalar_start, self.scalar_length = int(block._s_start), int(block._s_len)
        self.gate_start, self.gate_length = int(block._g_start), int(block._g_len)
        # Start, length, components, channels, place of the first gate.
        rows = [tuple(int(x) for x in each) for each in block._gated_info]
        self.gated = torch.jit.Attribute(rows, List[Tuple[int, int, int, int, int]])
        self.scalar_activation = _module_of(block._act_scalar)
        self.gate_activation = _module_of(block._act_gate)
        self.scalar_factor = float(block._scalar_cst)
        self.gate_factor = float(block._gate_cst)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Return the gated features, ``[n_atoms, width]``."""
        scalars = features.narrow(-1, self.scalar_start, self.scalar_length)
        parts = [self.scalar_activation(scalars) * self.scalar_factor]
        gates = features.narrow(-1, self.gate_start, self.gate_length)
        gates = self.gate_activation(gates) * self.gate_factor
        for start, length, components, channels, first in self.gated:
            vectors = features.narrow(-1, start, length).reshape(-1, channels, components)
            weights = gates.narrow(-1, first, channels).unsqueeze(-1)
            parts.append((vectors * weights).reshape(-1, length))
        return torch.cat(parts, dim=-1)


class EnergyOfReadout(torch.nn.Module):
    """The energy of a readout that gives energy and dipole.

    Args:
        readout: mace-torch's ``LinearDipoleReadoutBlock`` or ``NonLinearDipoleReadoutBlock``.
    """

    def __init__(self, readout: torch.nn.Module) -> None:
        super().__init__()
        self.readout = readout

    def forward(self, features: torch.Tensor, heads: Optional[torch.Tensor] = None) -> torch.Tensor:
        """Return the energies, ``[n_atoms, 1]``."""
        return self.readout(features)[:, :1]


def adapt(model: torch.nn.Module) -> None:
    """Replace, in place, the parts of a model that TorchScript does not compile as they are.

    Raises:
        ModelError: an activation or a layout is not known here.
    """
    for module in model.modules():
        for name, child in list(module.named_children()):
            if type(child).__name__ == "GatedEquivariantBlock":
                setattr(module, name, Gate(child))
    for number, readout in enumerate(model.readouts):
        if type(readout).__name__ in ("LinearDipoleReadoutBlock", "NonLinearDipoleReadoutBlock"):
            model.readouts[number] = EnergyOfReadout(readout)
