"""The file ``koh.pt``: how it is written, and how it is read safely."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from pykoh.engines.contents import (
    READABLE,
    ArtifactMetadata,
    PackedGraph,
    checksum,
    metadata_from,
)
from pykoh.engines.mliap import MLIAPPotential
from pykoh.errors import ModelError
from pykoh.files import replacing, require_file

_LOADING = threading.Lock()


def save_artifact(path: str | Path, metadata: ArtifactMetadata, packed: PackedGraph) -> None:
    """Write ``koh.pt``: a pickle of one :class:`~pykoh.engines.mliap.MLIAPPotential`."""
    potential = MLIAPPotential(
        asdict(metadata), packed.archive, packed.tree, checksum(metadata, packed)
    )
    with replacing(path) as temporary:
        torch.save(potential, temporary)


def _allowed() -> AbstractContextManager[Any]:
    """Let torch read the artifact's class.

    The list of classes is that of the whole process, and torch takes a class out of it at the end
    of a block even if the program had put it there, or another thread still needs it.
    """
    if MLIAPPotential in torch.serialization.get_safe_globals():
        return nullcontext()
    block: AbstractContextManager[Any] = torch.serialization.safe_globals([MLIAPPotential])
    return block


def load_artifact(path: str | Path) -> tuple[ArtifactMetadata, PackedGraph]:
    """Read the metadata and the packed graph of an artifact.

    Nothing but the artifact's own class, tensors and plain values is unpickled, so that a
    foreign file can't run code. (LAMMPS itself unpickles the file named in ``pair_style``
    without such a check: use only potentials that you trust.)

    Raises:
        ModelError: the file is missing, empty, damaged, or not a pykoh artifact.
    """
    path = require_file(path, "potential made by `pykoh export`", ModelError)
    remedy = "make one with `pykoh export NAME.model -o koh.pt`"
    try:
        with _LOADING, _allowed():
            potential = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as err:  # what a foreign pickle raises can be anything
        raise ModelError(f"{path}: is not a pykoh potential; {remedy}") from err
    if not isinstance(potential, MLIAPPotential):
        raise ModelError(f"{path}: is not a pykoh potential; {remedy}")
    found = potential.metadata.get("format")
    if found not in READABLE:
        reads = f"{', '.join(map(str, READABLE[:-1]))} and {READABLE[-1]}"
        raise ModelError(f"{path}: has format {found}, this pykoh reads {reads}; {remedy} again")
    try:
        packed = potential.checked()
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    return metadata_from(potential.metadata), packed
