"""Options of a training, and their names in mace-torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pykoh.errors import TrainingError

METHODS = ("naive", "replay", "lora")
# Models with H, O and K that mace-torch downloads.
FOUNDATIONS = (
    "small",
    "medium",
    "large",
    "small-0b",
    "medium-0b",
    "medium-0b3",
    "medium-mpa-0",
    "small-omat-0",
    "medium-omat-0",
    "mace-matpes-pbe-0",
    "mace-matpes-r2scan-0",
)


@dataclass(frozen=True, slots=True)
class Architecture:
    """A MACE model trained from scratch (doi:10.48550/arXiv.2206.07697).

    Attributes:
        channels: per irreducible representation of the hidden features.
        max_l: of the hidden features; with 0 `pykoh export` can use the fast route.
        max_ell: of the spherical harmonics of the edges.
        cutoff_A: cutoff of one layer, Å.
        layers: number of message-passing layers.
        correlation: body order of the symmetric contraction less one.
    """

    channels: int = 64
    max_l: int = 0
    max_ell: int = 2
    cutoff_A: float = 5.0
    layers: int = 2
    correlation: int = 3


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the fit of a model.

    Attributes:
        foundation: name or file of the model that is fine-tuned, or None for a new one.
        foundation_head: the head that is fine-tuned, for a foundation with several, or None.
        method: of fine-tuning: naive (all weights), replay (a second head is trained on the
            foundation's own data) or lora (low-rank changes of the weights,
            doi:10.48550/arXiv.2106.09685).
        replay: label file of the foundation's own data, for ``replay``.
        lora_rank: rank of each change, for ``lora``; by default 4.
        architecture: architecture of a new model.
        grow_ell: larger max_ell for the foundation, or None.
        grow_channels: more channels for the foundation, or None.
        epochs: passes over the training frames.
        learning_rate: of Adam, at the start.
        final_learning_rate: learning rate at the end; it decays exponentially.
        batch_size: frames per step.
        energy_weight: in the loss, per (eV/atom)².
        forces_weight: in the loss, per (eV/Å)².
        stress_weight: in the loss, per (eV/Å³)²; 0 leaves stresses out.
        seed: for weights and the order of frames.
        dtype: float32 or float64.
        device: cpu, cuda, mps or xpu.
        extra: further options of mace_run_train, with its names.
    """

    foundation: str | None = None
    foundation_head: str | None = None
    method: str = "naive"
    replay: Path | None = None
    lora_rank: int | None = None
    architecture: Architecture = Architecture()
    grow_ell: int | None = None
    grow_channels: int | None = None
    epochs: int = 50
    learning_rate: float = 0.01
    final_learning_rate: float = 1e-4
    batch_size: int = 2
    energy_weight: float = 1.0
    forces_weight: float = 100.0
    stress_weight: float = 0.0
    seed: int = 1
    dtype: str = "float32"
    device: str = "cpu"
    extra: tuple[tuple[str, str], ...] = ()


def chosen(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """Return recorded options without those that are None.

    So a training of an earlier version, which did not know all options, can be compared.
    """
    return {name: value for name, value in recorded.items() if value is not None}


def check(options: Options) -> None:
    """Raise :class:`TrainingError` if options contradict each other or a file is missing."""
    foundation = options.foundation
    if foundation is None:
        if options.method != "naive" or options.replay is not None:
            raise TrainingError(
                "replay and lora are methods of fine-tuning: name the model with --foundation"
            )
    elif foundation not in FOUNDATIONS and not Path(foundation).is_file():
        raise TrainingError(
            f"--foundation {foundation}: is neither a file nor a model that mace-torch downloads; "
            f"their names are {', '.join(FOUNDATIONS)}"
        )
    if options.foundation_head is not None and not Path(foundation or "").is_file():
        raise TrainingError("--foundation-head: name the file of the model with --foundation FILE")
    for name, new, larger in (
        ("--grow-ell", "--max-ell", options.grow_ell),
        ("--grow-channels", "--channels", options.grow_channels),
    ):
        if larger is None:
            continue
        if foundation is None:
            raise TrainingError(f"{name} is for fine-tuning; a new model takes {new}")
        if not Path(foundation).is_file():
            raise TrainingError(f"{name}: name the file of the foundation model, not its name")
        if options.method != "naive":
            raise TrainingError(f"{name}: needs --method naive, because all weights must change")
    if options.replay is not None and options.method != "replay":
        raise TrainingError("--replay is for --method replay; add it or leave --replay out")
    named = foundation in ("small", "medium", "large")
    if options.method == "replay" and options.replay is None and not named:
        raise TrainingError(
            "--method replay needs the data that the foundation model was trained on: --replay FILE"
        )
    if options.lora_rank is not None and options.method != "lora":
        raise TrainingError("--lora-rank is for --method lora; add it or leave --lora-rank out")
    _check_numbers(options)
    if not 0 < options.final_learning_rate <= options.learning_rate:
        raise TrainingError(
            f"--final-lr {options.final_learning_rate:g}: has to be above 0 and at most "
            f"--lr {options.learning_rate:g}"
        )
    for name, given, known in (
        ("--method", options.method, ("naive", "replay", "lora")),
        ("--dtype", options.dtype, ("float32", "float64")),
        ("--device", options.device, ("cpu", "cuda", "mps", "xpu")),
    ):
        if given not in known:
            raise TrainingError(f"{name} {given}: choose {', '.join(known[:-1])} or {known[-1]}")


def _check_numbers(options: Options) -> None:
    """Raise :class:`TrainingError` if a number is out of range."""
    for name, value in (("--epochs", options.epochs), ("--batch-size", options.batch_size)):
        if value < 1:
            raise TrainingError(f"{name} {value}: has to be 1 or more")
    if options.seed < 0:
        raise TrainingError(f"--seed {options.seed}: has to be 0 or more")
    for name, number in (
        ("--lr", options.learning_rate),
        ("--final-lr", options.final_learning_rate),
        ("--cutoff", options.architecture.cutoff_A),
    ):
        if not 0 < number < math.inf:
            raise TrainingError(f"{name} {number:g}: has to be above 0")
    for name, number in (
        ("--energy-weight", options.energy_weight),
        ("--forces-weight", options.forces_weight),
        ("--stress-weight", options.stress_weight),
    ):
        if not 0 <= number < math.inf:
            raise TrainingError(f"{name} {number:g}: has to be 0 or more")


def mace_config(
    options: Options, name: str, e0_eV: dict[str, float], elements: Sequence[str]
) -> dict[str, Any]:
    """Return the options of ``mace_run_train``; paths are relative to its folder.

    Args:
        options: of the fit.
        name: of the model.
        e0_eV: energy of each isolated atom, eV.
        elements: of the data; a foundation model is reduced to them.
    """
    from ase.data import atomic_numbers

    energies = ", ".join(f"{atomic_numbers[s]}: {e0_eV[s]:.8f}" for s in elements)
    with_stress = options.stress_weight > 0
    config: dict[str, Any] = {
        "name": name,
        "seed": options.seed,
        "train_file": "train.extxyz",
        "valid_file": "valid.extxyz",
        "energy_key": "REF_energy",
        "forces_key": "REF_forces",
        "stress_key": "REF_stress",
        "E0s": "{" + energies + "}",
        "model": "ScaleShiftMACE",
        "default_dtype": options.dtype,
        "device": options.device,
        "batch_size": options.batch_size,
        "valid_batch_size": 8,
        "max_num_epochs": options.epochs,
        "patience": options.epochs,
        "lr": options.learning_rate,
        "scheduler": "ExponentialLR",
        "lr_scheduler_gamma": _decay(options),
        "loss": "stress" if with_stress else "weighted",
        "energy_weight": options.energy_weight,
        "forces_weight": options.forces_weight,
        "ema": True,
        "ema_decay": 0.99,
        "amsgrad": True,
        "clip_grad": 10.0,
        "error_table": "PerAtomRMSE",
        "restart_latest": True,
        "save_cpu": True,
        "plot": False,
        # Folder names without the seed, so that a resumed training finds them.
        "model_dir": "model",
        "checkpoints_dir": "checkpoints",
        "results_dir": "results",
        "log_dir": "logs",
    }
    if with_stress:
        config["stress_weight"] = options.stress_weight
    config |= _new_model(options.architecture) if options.foundation is None else _tuned(options)
    config.update(options.extra)
    return config


def _new_model(architecture: Architecture) -> dict[str, Any]:
    """Return the options of a model that is trained from scratch."""
    return {
        "num_channels": architecture.channels,
        "max_L": architecture.max_l,
        "max_ell": architecture.max_ell,
        "correlation": architecture.correlation,
        "num_interactions": architecture.layers,
        "r_max": architecture.cutoff_A,
        "num_radial_basis": 8,
        "radial_MLP": "[64, 64, 64]",
        "MLP_irreps": "16x0e",
        "interaction_first": "RealAgnosticResidualInteractionBlock",
        "interaction": "RealAgnosticResidualInteractionBlock",
    }


def _tuned(options: Options) -> dict[str, Any]:
    """Return the options of a model that is fine-tuned."""
    config: dict[str, Any] = {
        "foundation_model": options.foundation,
        "foundation_model_elements": False,
        "multiheads_finetuning": options.method == "replay",
    }
    if options.method == "replay":
        config["force_mh_ft_lr"] = True
        if options.replay is not None:
            config.update(pt_train_file="replay.extxyz", pt_valid_file="replay_valid.extxyz")
    if options.method == "lora":
        config.update(lora=True, lora_rank=options.lora_rank or 4)
    return config


def _decay(options: Options) -> float:
    """Return the factor of the learning rate per epoch."""
    steps = max(1, options.epochs - 1)
    return float((options.final_learning_rate / options.learning_rate) ** (1 / steps))
