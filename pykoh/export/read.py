"""Reading a trained MACE model and saying plainly why one cannot be exported."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import torch

from pykoh.errors import ModelError
from pykoh.files import require_file

_SUPPORTED = ("MACE", "ScaleShiftMACE", "EnergyDipolesMACE")
# What MACECalculator calls models other than "MACE".
_CALCULATOR_TYPE = {"EnergyDipolesMACE": "EnergyDipoleMACE"}
# Models without an energy, and what they give.
_NO_ENERGY = {
    "AtomicDipolesMACE": "dipoles",
    "AtomicDielectricMACE": "dipoles and polarizabilities",
}


@contextmanager
def trusting_pickle() -> Iterator[None]:
    """Let e3nn read the constants that it ships as pickles (older releases need it told)."""
    name = "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _is_of_torch(path: Path) -> bool:
    """Return whether a file begins as an archive or a pickle of torch."""
    with path.open("rb") as stream:
        begin = stream.read(2)
    return begin == b"PK" or begin[:1] == b"\x80"


def read_mace_model(path: str | Path) -> Any:
    """Return the eager MACE model of a ``.model`` file, on the CPU.

    The file is a pickle and may run code: read only models that you trust.

    Raises:
        ModelError: the file is missing, empty, no MACE model, or of a kind that the exported
            graph does not represent; mace-torch is not installed.
    """
    path = require_file(path, "MACE model", ModelError)
    with trusting_pickle(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            # mace prints that it lacks cuequivariance, which an export does not want.
            with redirect_stdout(io.StringIO()):
                import mace.modules  # noqa: F401
        except ImportError as error:
            raise ModelError(
                "reading a MACE model needs mace-torch; install it with: pip install 'pykoh[train]'"
            ) from error
        try:
            model = torch.load(path, map_location="cpu", weights_only=False)
        except Exception as error:  # what a foreign pickle raises can be anything
            # Without its end an archive is read as torch's old format, which seeks in vain.
            if isinstance(error, OSError) or "PytorchStreamReader" in str(error):
                raise ModelError(
                    f"{path}: begins as a model file, but is cut off or damaged "
                    f"({path.stat().st_size} bytes); copy it again"
                ) from error
            if not _is_of_torch(path):
                raise ModelError(
                    f"{path}: is not a MACE model: torch has not written this file; give the "
                    ".model file that mace_run_train writes"
                ) from error
            reason = str(error).strip().splitlines()[0] if str(error).strip() else "unreadable"
            raise ModelError(
                f"{path}: is not a MACE model ({reason[:120]}); give the .model file that "
                "mace_run_train writes"
            ) from error
    check_supported(model, path)
    model = without_lora(model)
    check_finite(model, path)
    return model


def without_lora(model: Any) -> Any:
    """Return the model with the low-rank changes of a fine-tuning added to its weights.

    ``mace_run_train --lora`` may leave them as layers of their own; the energies stay the same.
    """
    if not any("lora_A" in name for name, _ in model.named_parameters()):
        return model
    from mace.modules.lora import merge_lora_weights

    return merge_lora_weights(model)


def check_finite(model: Any, path: str | Path) -> None:
    """Raise :class:`ModelError` if a weight is not a number: the training has diverged."""
    for name, weights in (*model.named_parameters(), *model.named_buffers()):
        if weights.is_floating_point() and not bool(torch.isfinite(weights).all()):
            wrong = int((~torch.isfinite(weights)).sum())
            raise ModelError(
                f"{path}: {wrong} of {weights.numel()} weights of {name} are not numbers (NaN or "
                "infinite); its training has diverged: train again with a smaller --lr, or take an "
                "earlier checkpoint"
            )


def check_supported(model: Any, path: str | Path) -> None:
    """Raise :class:`ModelError` if the exported graph cannot represent ``model``."""
    kind = type(model).__name__
    if kind == "MLIAPPotential":
        raise ModelError(f"{path}: is already an exported potential; use it in LAMMPS as it is")
    if isinstance(model, dict):
        raise ModelError(
            f"{path}: is a checkpoint or a set of weights, not a model; give the .model file that "
            "mace_run_train writes beside it"
        )
    if isinstance(model, torch.jit.ScriptModule):
        raise ModelError(
            f"{path}: is a TorchScript archive already; give the eager .model file it was made from"
        )
    if kind in _NO_ENERGY:
        raise ModelError(
            f"{path}: holds a {kind}, which gives {_NO_ENERGY[kind]} but no energy and forces; "
            "give a model that was trained on energies and forces"
        )
    if kind not in _SUPPORTED:
        raise ModelError(
            f"{path}: holds a {kind}, not one of {', '.join(_SUPPORTED)}; pykoh exports potentials "
            "with an energy and forces"
        )
    if hasattr(model, "joint_embedding"):
        raise ModelError(
            f"{path}: needs further inputs per atom or box ({', '.join(model.embedding_specs)}), "
            "which LAMMPS does not pass; train without --embedding_specs"
        )
    for name in ("cueq_config", "oeq_config"):
        for block in model.interactions:
            config = getattr(block, name, None)
            if config is not None and getattr(config, "enabled", True):
                raise ModelError(
                    f"{path}: uses the {name[:-7]} kernels; convert it to e3nn first "
                    f"(mace.cli.convert_{'cueq' if name[0] == 'c' else 'oeq'}_e3nn)"
                )


def heads_of(model: Any) -> list[str]:
    """Return the names of the heads of a model of mace-torch; each is a level of theory."""
    return list(getattr(model, "heads", None) or ["Default"])


def head_index(model: Any, head: str | None, path: str | Path, option: str = "--head") -> int:
    """Return the index of a head by name; with one head no name is needed.

    Args:
        model: of mace-torch.
        head: its name, or None.
        path: file of the model, for errors.
        option: of the command line that names a head, for errors.

    Raises:
        ModelError: the head does not exist, or there are several and none was named.
    """
    heads = heads_of(model)
    if head is None:
        if len(heads) > 1:
            raise ModelError(
                f"{path}: has the heads {', '.join(heads)}; choose one with {option} NAME"
            )
        return 0
    if head not in heads:
        raise ModelError(f"{path}: has no head {head!r}, only {', '.join(heads)}")
    return heads.index(head)


def mace_calculator(model: Any, head: str | None = None) -> Any:
    """Return mace-torch's ASE calculator of an eager model, on the CPU in double precision.

    The model itself is left as it is.

    Args:
        model: from :func:`read_mace_model`.
        head: the head that it computes, for a model with several.
    """
    import copy

    options: dict[str, Any] = {} if head is None else {"head": head}
    with trusting_pickle(), warnings.catch_warnings(), redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from mace.calculators import MACECalculator

        return MACECalculator(
            models=[copy.deepcopy(model).double()],
            device="cpu",
            default_dtype="float64",
            model_type=_CALCULATOR_TYPE.get(type(model).__name__, "MACE"),
            **options,
        )
