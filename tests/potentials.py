"""Small MACE models with random weights, and boxes to try them on."""

from __future__ import annotations

import ast
import io
import warnings
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import torch
from ase import Atoms
from ase.calculators.calculator import Calculator

# Largest deviation of an exported potential from MACECalculator (float64).
ENERGY_TOLERANCE_EV = 1e-6
FORCE_TOLERANCE = {"float64": 1e-5, "float32": 1e-3}  # eV/Å

ARCHITECTURES: dict[str, dict] = {
    "scalar": {},
    "vector": {"hidden": "8x0e+8x1o", "max_ell": 2},
    "three_layers": {"n_layers": 3, "numbers": (8, 19, 1)},
    "one_layer": {"n_layers": 1},
    "zbl_agnesi": {"zbl": True, "transform": "Agnesi", "first": "Density", "block": "Density"},
    "agnostic": {"first": "", "block": "Residual"},
    "two_heads": {"heads": ["pbe", "blyp"]},
    # The blocks and options of mace-mh-1 and later foundation models.
    "nonlinear": {
        "first": "ResidualNonLinear", "block": "ResidualNonLinear", "hidden": "8x0e+8x1o",
        "max_ell": 2, "readout": "NonLinearBiasReadoutBlock", "heads": ["pbe", "blyp"],
        "apply_cutoff": False, "use_agnostic_product": True, "edge_irreps": "8x0e+8x1o",
        "use_last_readout_only": True,
    },
}  # fmt: skip


def random_mace(path: Path, **options: object) -> Path:
    """Write an untrained model, with E0s of DFT size, and return its path.

    Args:
        path: is written.
        options: of :func:`untrained`. A process makes each model once, which takes a second or two.
    """
    path.write_bytes(_serialised(repr(sorted(options.items()))))
    return path


@cache
def _serialised(options: str) -> bytes:
    """Return the file of a model, by the ``repr`` of its options."""
    model, stream = untrained(**dict(ast.literal_eval(options))), io.BytesIO()
    torch.save(model, stream)
    return stream.getvalue()


def untrained(
    hidden: str = "8x0e",
    max_ell: int = 3,
    n_layers: int = 2,
    numbers: tuple[int, ...] = (1, 8, 19),
    zbl: bool = False,
    transform: str = "None",
    first: str = "Residual",
    block: str = "Residual",
    heads: list[str] | None = None,
    cutoff: float = 4.5,
    radial_mlp: tuple[int, ...] = (16, 16),
    seed: int = 0,
    readout: str = "NonLinearReadoutBlock",
    edge_irreps: str | None = None,
    kind: str = "ScaleShiftMACE",
    **further: object,
) -> torch.nn.Module:
    """Return a model with random weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from e3nn import o3
        from mace import modules

        torch.manual_seed(seed)
        default = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        e0 = np.array([-13.6 - 40.0 * number for number in numbers])
        suffix = "InteractionBlock"
        options = {
            "r_max": cutoff,
            "num_bessel": 6,
            "num_polynomial_cutoff": 5,
            "max_ell": max_ell,
            "interaction_cls": modules.interaction_classes[f"RealAgnostic{block}{suffix}"],
            "interaction_cls_first": modules.interaction_classes[f"RealAgnostic{first}{suffix}"],
            "num_interactions": n_layers,
            "num_elements": len(numbers),
            "hidden_irreps": o3.Irreps(hidden),
            "MLP_irreps": o3.Irreps("8x0e"),
            "atomic_energies": e0 if heads is None else np.stack([e0, 1.01 * e0]),
            "avg_num_neighbors": 20.0,
            "atomic_numbers": list(numbers),
            "correlation": 3,
            "gate": torch.nn.functional.silu,
            "radial_MLP": list(radial_mlp),
        }
        if kind == "ScaleShiftMACE":
            options |= {
                "pair_repulsion": zbl,
                "distance_transform": transform,
                "heads": heads,
                "atomic_inter_scale": 1.3 if heads is None else [1.3, 0.7],
                "atomic_inter_shift": 0.2 if heads is None else [0.2, -0.1],
                "readout_cls": getattr(modules.blocks, readout),
                "edge_irreps": None if edge_irreps is None else o3.Irreps(edge_irreps),
                **further,
            }
        else:
            options["MLP_irreps"] = o3.Irreps("8x0e+8x1o")
        model = getattr(modules, kind)(**options)
        # These start near zero: without more, no energy depends on what they do.
        for name, weight in model.named_parameters():
            if "_embedding.weight" in name and "node" not in name:
                torch.nn.init.normal_(weight)
            elif name.endswith("alpha"):
                torch.nn.init.constant_(weight, 2.0)
            elif name.endswith("beta"):
                torch.nn.init.constant_(weight, 0.7)
        torch.set_default_dtype(default)
    return model


def calculator_of(model: Path, head: str = "Default", model_type: str = "MACE") -> Calculator:
    """Return MACE's own calculator, in double precision."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mace.calculators import MACECalculator

        return MACECalculator(
            model_paths=str(model), device="cpu", default_dtype="float64", head=head,
            model_type=model_type,
        )  # fmt: skip


@lru_cache(maxsize=16)
def _kept_calculator(model: Path, head: str, model_type: str, *_: int) -> Calculator:
    """Return :func:`calculator_of`; another one after the file was written again."""
    return calculator_of(model, head, model_type)


def reference(
    model: Path, atoms: Atoms, head: str = "Default", model_type: str = "MACE"
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return energy (eV), forces (eV/Å) and stress [3, 3] (eV/Å³) of MACE's own calculator."""
    atoms, state = atoms.copy(), model.stat()
    atoms.calc = _kept_calculator(
        model.resolve(), head, model_type, state.st_mtime_ns, state.st_size
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return (
            atoms.get_potential_energy(),
            atoms.get_forces(),
            atoms.get_stress(voigt=False),
        )


def water_like_box(n_koh: int = 2, n_water: int = 10, seed: int = 3) -> Atoms:
    """Return a packed periodic box of aqueous KOH, a copy of the one that was packed first."""
    return _packed(n_koh, n_water, seed).copy()


@cache
def _packed(n_koh: int, n_water: int, seed: int) -> Atoms:
    from pykoh.solution.composition import from_counts
    from pykoh.solution.packing import pack

    box = pack(from_counts(n_koh, n_water), np.random.default_rng(seed))
    side = box.composition.volume_A3 ** (1 / 3)
    return Atoms(list(box.symbols), positions=box.positions_A, cell=[side] * 3, pbc=True)
