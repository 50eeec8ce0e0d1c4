"""Reactions to the guards of a run: a frame is kept, or the run is stopped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pykoh.campaign import engine, guards
from pykoh.campaign.folder import CampaignFolder
from pykoh.campaign.forces import ForceGuard, Judgement
from pykoh.campaign.spec import CampaignRun
from pykoh.errors import CampaignError

if TYPE_CHECKING:
    from ase import Atoms

FLAGGED = "flagged.extxyz"
# Frames of one run are similar: labels of more than this would add little.
MOST_FLAGGED = 40


class Watch:
    """Checks the production of one run.

    Args:
        campaign_folder: folder of its campaign.
        run: the run.
    """

    def __init__(self, campaign_folder: CampaignFolder, run: CampaignRun) -> None:
        self._campaign = campaign_folder.campaign
        self._run = run
        self._folder = campaign_folder.run_folder(run)
        self._forces = ForceGuard(campaign_folder.potentials)
        self.flagged = self._folder / FLAGGED
        self._n_flagged = count_frames(self.flagged)

    def check(self) -> dict[str, Any]:
        """Check the newest frame and the thermodynamic output.

        Returns:
            Values for ``status.json``: the committee's disagreement, the number of frames kept.

        Raises:
            CampaignError: the run has to stop. The frame that shows the reason is kept.
        """
        name, campaign = engine.FILE_PREFIX["produce"], self._campaign
        alarm = guards.find_problem(
            self._folder / f"{name}.dump", self._folder / f"{name}.log", self._run.temperature,
            campaign.cation, campaign.ensemble == "nve",
        )  # fmt: skip
        if alarm is not None:
            self._stop(alarm.problem, alarm.frame)
        frame = guards.newest_frame(self._folder / f"{name}.dump", campaign.cation)
        if frame is None:
            return {}
        found = self._judge(frame)
        if found is None:
            return {}
        if found.largest_eV_per_A > campaign.max_force_eV_per_A:
            self._stop(
                f"the force on atom {found.atom} is {found.largest_eV_per_A:.0f} eV/Å, more than "
                f"max_force_eV_per_A {campaign.max_force_eV_per_A:g}",
                frame,
            )
        sigma = found.disagreement_eV_per_A
        if sigma is None:
            return {}
        frame.info["disagreement_eV_per_A"] = round(sigma, 4)
        if sigma > campaign.stop_eV_per_A:
            self._stop(
                f"the committee disagrees by {sigma:.2f} eV/Å about atom {found.atom}, more than "
                f"stop_eV_per_A {campaign.stop_eV_per_A:g}",
                frame,
            )
        if sigma > campaign.flag_eV_per_A and self._n_flagged < MOST_FLAGGED:
            self._keep(frame)
        return {"disagreement_eV_per_A": round(sigma, 4), "flagged": self._n_flagged}

    def _judge(self, frame: Atoms) -> Judgement | None:
        try:
            return self._forces.judge_if_due(frame)
        except ImportError as error:
            # lmp alone does not need these packages, but a committee does.
            if not self._campaign.committee:
                return None
            raise CampaignError(
                f"a committee needs the Python package {error.name}: pip install vesin torch"
            ) from error

    def _stop(self, problem: str, frame: Atoms | None) -> None:
        if frame is None:
            raise CampaignError(problem)
        self._keep(frame)
        raise CampaignError(f"{problem}; the frame is in {self.flagged}: pykoh label can label it")

    def _keep(self, frame: Atoms) -> None:
        from ase.io import write

        frame.info["run"] = f"{self._campaign.name}_{self._run.name}_flagged"
        frame.info["molarity"] = self._run.molarity
        frame.info["temperature_K"] = self._run.temperature
        write(self.flagged, frame, append=True, format="extxyz")
        self._n_flagged += 1


def count_frames(path: Path) -> int:
    """Return the number of frames of an extended xyz file, 0 if there is none."""
    if not path.exists():
        return 0
    return sum("Lattice=" in line for line in path.read_text(encoding="utf-8").splitlines())
