"""One head of a foundation model that has several, each for a level of theory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pykoh.errors import TrainingError
from pykoh.export.read import head_index, heads_of, trusting_pickle
from pykoh.training.rebuild import as_precise_as, energy_change


def one_head(model: Any, head: str | None, source: Path) -> Any:
    """Return a model with one head, whose energies are those of that head.

    Args:
        model: of mace-torch.
        head: name of the head, or None for a model that has only one.
        source: its file, for errors.

    Raises:
        ModelError: there is no such head, or there are several and none was named.
        TrainingError: mace-torch cannot separate this kind of model.
    """
    index = head_index(model, head, source, "--foundation-head")
    heads = heads_of(model)
    if len(heads) == 1:
        return model
    try:
        with trusting_pickle(), as_precise_as(model):
            from mace.tools.scripts_utils import remove_pt_head

            single = remove_pt_head(model, heads[index])
    except (RuntimeError, ValueError, KeyError, AttributeError) as error:
        raise TrainingError(
            f"{source}: mace-torch cannot take the head {heads[index]} from this kind of model "
            f"({str(error).splitlines()[0]}); use a foundation with one head"
        ) from error
    change = energy_change(model, single, heads[index])
    if change is not None:
        raise TrainingError(
            f"{source}: the head {heads[index]} alone gives a box of 27 atoms {change:.2g} eV more "
            "than in the model; use a foundation with one head"
        )
    return single
