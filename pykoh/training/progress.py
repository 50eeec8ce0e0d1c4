"""The progress of a training: mace-torch's metrics file, the learning curve."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pykoh.files import replacing, write_text


@dataclass(frozen=True, slots=True)
class Epoch:
    """Errors on the validation frames after one epoch.

    Attributes:
        number: number of the epoch, from 0; -1 before the first.
        energy_rmse_meV: energy RMSE per atom, meV.
        force_rmse_meV_A: force RMSE per component, meV/Å.
        loss: the weighted loss.
    """

    number: int
    energy_rmse_meV: float
    force_rmse_meV_A: float
    loss: float


def read_epochs(results: Path, head: str = "Default") -> list[Epoch]:
    """Return the epochs that mace-torch has logged in ``results``, in order.

    If a resumed training logs an epoch again, the later entry counts. An incomplete last line is
    ignored.
    """
    found: dict[int, Epoch] = {}
    for path in sorted(results.glob("*_train.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if entry.get("mode") != "eval" or entry.get("head", head) != head:
                continue
            number = -1 if entry.get("epoch") is None else int(entry["epoch"])
            found[number] = Epoch(
                number,
                1e3 * float(entry["rmse_e_per_atom"]),
                1e3 * float(entry["rmse_f"]),
                float(entry["loss"]),
            )
    return [found[number] for number in sorted(found)]


def saved_epoch(checkpoints: Path) -> int | None:
    """Return the number of the epoch whose weights mace-torch keeps, from 0; None if there is none.

    It keeps the epoch with the smallest loss of its last process, judged by its last head. After a
    stop this is not always the smallest loss of all epochs.
    """
    names = (path.stem.removesuffix("_swa") for path in checkpoints.glob("*_epoch-*.pt"))
    numbers = [name.rpartition("_epoch-")[2] for name in names]
    return max((int(number) for number in numbers if number.isdigit()), default=None)


def write_curve(folder: Path, epochs: Sequence[Epoch], name: str) -> None:
    """Write ``learning_curve.csv`` and ``learning_curve.png`` into ``folder``."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["epoch", "energy_rmse_meV_per_atom", "force_rmse_meV_per_A", "loss"])
    for epoch in epochs:
        rows.writerow([epoch.number + 1, f"{epoch.energy_rmse_meV:.4f}",
                       f"{epoch.force_rmse_meV_A:.3f}", f"{epoch.loss:.6g}"])  # fmt: skip
    write_text(folder / "learning_curve.csv", text.getvalue())
    if len(epochs) < 2:
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    forces = figure.add_subplot()
    x = [epoch.number + 1 for epoch in epochs]
    lines = forces.plot(
        x, [epoch.force_rmse_meV_A for epoch in epochs], color="#0072b2", label="forces"
    )
    forces.set(xlabel="epoch", ylabel="force RMSE (meV/Å)", title=f"{name}: validation frames")
    forces.set_yscale("log")
    energies = forces.twinx()
    lines += energies.plot(
        x, [epoch.energy_rmse_meV for epoch in epochs], color="#d55e00", ls="--", label="energy"
    )
    energies.set_ylabel("energy RMSE (meV/atom)")
    energies.set_yscale("log")
    forces.legend(lines, ["forces", "energy"], frameon=False)
    with replacing(folder / "learning_curve.png") as temporary:
        figure.savefig(temporary, dpi=150, format="png")
