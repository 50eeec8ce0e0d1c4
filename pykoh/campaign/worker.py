"""The work of a job of a campaign: one stage of some runs, to the end or to the time limit.

    python -m pykoh.campaign.worker CAMPAIGN_FOLDER STAGE TASK

The job script sends SIGUSR1 before the time limit, Slurm sends SIGTERM on preemption. The worker
then stops LAMMPS and ends with :data:`AGAIN`, and the job script queues itself again. A second
worker on the same runs does no harm: each run is locked during the work.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from types import FrameType
from typing import Any

from pykoh import processes
from pykoh.campaign import engine
from pykoh.campaign.checkpoints import Checkpoints
from pykoh.campaign.folder import CampaignFolder
from pykoh.campaign.spec import CampaignRun
from pykoh.campaign.watching import Watch
from pykoh.engines.restart_file import restart_step
from pykoh.errors import CampaignError, PykohError
from pykoh.files import write_text

DONE, FAILED, BUSY, AGAIN = 0, 1, 2, 75  # 75: EX_TEMPFAIL of sysexits.h
_POLL_S = 0.5
_GRACE_S = 60.0
_LOCK_S = 1.0


class _BusyError(CampaignError):
    """Another job holds the lock of a run."""


class Worker:
    """Works on one stage of the runs of one job.

    Args:
        campaign_folder: folder of the campaign.
        stage: of :data:`pykoh.campaign.engine.STAGES`.
    """

    def __init__(self, campaign_folder: CampaignFolder, stage: str) -> None:
        self.campaign_folder = campaign_folder
        self.stage = stage
        self.stopping = threading.Event()

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Stop the work, to continue in another job: a signal handler."""
        self.stopping.set()

    def work(self, runs: list[CampaignRun]) -> int:
        """Work on all runs of a job in parallel.

        Returns:
            :data:`AGAIN` if a run goes on in the next job; else :data:`DONE` if the stage of a run
            is done, so that it gets its next stage; else :data:`BUSY` if another job works on a
            run; else :data:`FAILED`.

        Raises:
            KeyboardInterrupt: as :meth:`outcomes`.
        """
        found = self.outcomes(runs).values()
        return next(each for each in (AGAIN, DONE, BUSY, FAILED) if each in found)

    def outcomes(self, runs: list[CampaignRun]) -> dict[str, int]:
        """Work on all runs in parallel; return the outcome of each, by its name.

        A run that fails, or that another job works on, does not stop the others.

        Raises:
            KeyboardInterrupt: Ctrl-C; the simulations have written restart files and ended.
        """
        with ThreadPoolExecutor(len(runs)) as pool:
            futures = [pool.submit(self._work_on_run, run) for run in runs]
            try:
                return {run.name: each.result() for run, each in zip(runs, futures, strict=True)}
            except KeyboardInterrupt:
                # Leaving the block waits for the threads.
                self.stopping.set()
                raise

    def _work_on_run(self, run: CampaignRun) -> int:
        try:
            with self._lock(run):
                return self._do_stage(run)
        except _BusyError as error:
            # The status is that of the job that works on the run.
            print(f"{run.name}: {error}", file=sys.stderr, flush=True)
            return BUSY
        except (PykohError, OSError) as error:
            self._write_status(run, state="failed", problem=str(error))
            print(f"{run.name}: {error}", file=sys.stderr, flush=True)
            return FAILED

    @contextmanager
    def _lock(self, run: CampaignRun) -> Iterator[None]:
        with (self.campaign_folder.run_folder(run) / "lock").open("w") as stream:
            # `pykoh status` holds the lock for a moment, to see whether somebody has it.
            until = time.monotonic() + _LOCK_S
            while True:
                try:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as error:
                    if time.monotonic() > until:
                        raise _BusyError(
                            "another job works on this run; this job does nothing"
                        ) from error
                    time.sleep(0.02)
            yield

    def _write_status(self, run: CampaignRun, **what: Any) -> None:
        """Write ``status.json`` of a run."""
        status = {
            **self.campaign_folder.run_status(run),
            "stage": self.stage,
            "job": os.environ.get("SLURM_JOB_ID"),
            "node": os.environ.get("SLURMD_NODENAME"),
            "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            **what,
        }
        write_text(
            self.campaign_folder.run_folder(run) / "status.json",
            json.dumps(status, indent=1) + "\n",
        )

    def _do_stage(self, run: CampaignRun) -> int:
        """Do one stage of one run."""
        folder, campaign = self.campaign_folder.run_folder(run), self.campaign_folder.campaign
        if not self._stage_before_ended(run):
            return FAILED
        if self.stage in engine.FILE_PREFIX:
            return self._simulate(run)
        if engine.finished(campaign, folder, self.stage, 0):
            return DONE
        command = (
            engine.build_command(campaign, run)
            if self.stage == "build"
            else engine.analysis_command(campaign, run)
        )
        self._write_status(run, state="running", problem=None)
        log = folder / f"{self.stage}.log"
        written = processes.Written(log)
        code = self._run_command(run, command, folder, log, lambda: None)
        if self.stopping.is_set():
            self._write_status(run, state="waiting")
            return AGAIN
        if code != 0:
            raise CampaignError(f"{self.stage} failed: {written.last_line()} (see {log})")
        self._write_status(run, state="done")
        return DONE

    def _stage_before_ended(self, run: CampaignRun) -> bool:
        """Return False if an earlier stage has failed; its status and problem stay as they are.

        The other runs of the same job have brought this one to a later stage.

        Raises:
            CampaignError: an earlier stage is missing, and there is no reason for it.
        """
        folder, campaign = self.campaign_folder.run_folder(run), self.campaign_folder.campaign
        earlier = engine.STAGES[: engine.STAGES.index(self.stage)]
        if engine.next_stage(campaign, folder) not in earlier:
            return True
        wrote = self.campaign_folder.run_status(run)
        missing = f"{folder}: the stage before {self.stage} did not end"
        if wrote.get("stage") in earlier and wrote.get("state") != "done":
            print(f"{run.name}: {missing}; the run is left alone", file=sys.stderr, flush=True)
            return False
        raise CampaignError(f"{missing}; pykoh submit repeats it")

    def _simulate(self, run: CampaignRun) -> int:
        """Run LAMMPS until the stage is done, from the newest undamaged restart file."""
        folder, campaign = self.campaign_folder.run_folder(run), self.campaign_folder.campaign
        name = engine.FILE_PREFIX[self.stage]
        idle, watch_of_run = 0, Watch(self.campaign_folder, run)
        while not self.stopping.is_set():
            checkpoints = Checkpoints(folder, name)
            step, note = checkpoints.restore()
            if note:
                print(f"{run.name}: {note}", flush=True)
            if engine.finished(campaign, folder, self.stage, step):
                self._write_status(run, state="done", **self._production_progress(step))
                return DONE
            if checkpoints.live.exists():
                checkpoints.cut_trajectory(step)
            else:
                _remove_beginning(folder, name)
            self._refuse_full_disk(folder)
            began = time.monotonic()
            self._write_status(
                run, state="running", problem=None, note=note, **self._production_progress(step)
            )
            log = folder / f"{self.stage}.out"

            def watch(
                checkpoints: Checkpoints = checkpoints, first: int = step, began: float = began
            ) -> None:
                if checkpoints.keep():
                    now = checkpoints.kept[-1].step
                    rate = (now - first) * campaign.timestep_fs * 1e-6 / (time.monotonic() - began)
                    found = watch_of_run.check() if self.stage == "produce" else {}
                    self._write_status(
                        run,
                        ns_per_day=round(rate * 86400, 4),
                        **self._production_progress(now),
                        **found,
                    )
                self._refuse_full_disk(folder)

            command = engine.simulation_command(
                campaign, self.campaign_folder.site, run, self.stage
            )
            # An lmp prints nothing: its reason is in its own log.
            own_log = folder / f"{name}.log"
            written = processes.Written(log, own_log)
            code = self._run_command(run, command, folder, log, watch)
            checkpoints.keep()
            reached = restart_step(checkpoints.live) or 0
            on_the_way = reached > step or engine.finished(campaign, folder, self.stage, reached)
            if self.stopping.is_set() or (code == 0 and on_the_way):
                continue
            # Errors without progress in between are counted.
            idle = idle + 1 if reached <= step else 1
            ended = f"with {code}" if code else "too early"
            seen = own_log if self.campaign_folder.site.engine == "lmp" else log
            problem = f"LAMMPS ended {ended}: {written.last_line()} (see {seen})"
            print(f"{run.name}: {problem}", file=sys.stderr, flush=True)
            self._write_status(
                run, state="failed", problem=problem, **self._production_progress(reached)
            )
            if idle >= campaign.attempts:
                raise CampaignError(f"{problem}; given up after {idle} attempts")
        self._write_status(run, state="waiting")
        return AGAIN

    def _production_progress(self, step: int) -> dict[str, Any]:
        campaign = self.campaign_folder.campaign
        if self.stage != "produce":
            return {}
        return {"ps_done": step * campaign.timestep_fs * 1e-3, "ps": campaign.ps}

    def _refuse_full_disk(self, folder: Path) -> None:
        free = shutil.disk_usage(folder).free / 1e9
        if free < self.campaign_folder.site.free_gb:
            raise CampaignError(
                f"{folder}: only {free:.2f} GB are free on its disk, less than free_gb of the "
                "site; free some space and submit again"
            )

    def _run_command(
        self, run: CampaignRun, command: list[str], folder: Path, log: Path, watch: Any
    ) -> int:
        """Run a command to its end, or stop it after a signal to the worker."""
        environment = engine.devices(self.campaign_folder.site, run, os.environ)
        try:
            with log.open("ab") as stream:
                process = processes.start(command, folder, stream, **environment)
        except OSError as error:
            raise CampaignError(
                f"{command[0]}: cannot be started ({error.strerror}); correct it in site.yaml and "
                "submit again"
            ) from error
        asked: float | None = None
        try:
            while process.poll() is None:
                watch()
                if self.stopping.is_set() and asked is None:
                    # `pykoh run` writes a restart on SIGINT; lmp just ends.
                    gentle = self.campaign_folder.site.engine == "pykoh"
                    process.send_signal(signal.SIGINT if gentle else signal.SIGTERM)
                    asked = time.monotonic()
                if asked is not None and time.monotonic() - asked > _GRACE_S:
                    processes.kill(process)
                time.sleep(_POLL_S)
        except BaseException:
            processes.kill(process)
            process.wait()
            raise
        return process.returncode


def _remove_beginning(folder: Path, name: str) -> None:
    """Remove the output of a run that was killed before its first restart file."""
    for suffix in (".dump", ".transport.dump", ".pressure.txt"):
        (folder / f"{name}{suffix}").unlink(missing_ok=True)


def main(arguments: list[str]) -> int:
    """Run a worker from a job script."""
    folder, stage, task = Path(arguments[0]), arguments[1], int(arguments[2])
    if stage == "report":
        from pykoh.campaign.report import write_series

        return write_series(CampaignFolder(folder))
    campaign_folder = CampaignFolder(folder)
    worker = Worker(campaign_folder, stage)
    for number in (signal.SIGUSR1, signal.SIGTERM):
        signal.signal(number, worker.stop)
    return worker.work(campaign_folder.runs_of_task(task))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except PykohError as error:
        sys.exit(f"Error: {error}")
