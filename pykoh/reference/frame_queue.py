"""Labelling of many frames: several at a time, resumable, with a record of all failures.

The whole label file is written again after each frame, so a kill loses only the frames that are
being computed. Beside ``LABELS.extxyz`` there are ``LABELS.json`` (level of theory, versions,
progress, failures) and, during the work, the folder ``LABELS.work`` (wavefunctions, output of
failures).
"""

from __future__ import annotations

import fcntl
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pykoh.errors import LabelError
from pykoh.files import write_text
from pykoh.provenance import versions
from pykoh.reference.frames import frame_key, read_extxyz
from pykoh.reference.labels import ISOLATED, labelled, write_labels
from pykoh.reference.level import Label, Labeller, check_label

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, slots=True)
class LabelProgress:
    """How far the labelling is.

    Attributes:
        done: frames labelled, including those of earlier calls.
        failed: frames that no recipe converged.
        total: frames requested.
        core_s: processor time of the frames labelled in this call, s.
        wall_s: time since this call began, s.
        fresh: frames labelled in this call.
    """

    done: int
    failed: int
    total: int
    core_s: float
    wall_s: float
    fresh: int


@dataclass(slots=True)
class _Results:
    """The results so far; only one thread changes them."""

    done: dict[str, Atoms] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    atoms: dict[str, Atoms] = field(default_factory=dict)


def work_folder(output: Path) -> Path:
    """Return the folder of scratch files of a label file."""
    return output.with_name(output.name.removesuffix(".extxyz") + ".work")


def alternate_trajectories(frames: Sequence[Atoms]) -> list[Atoms]:
    """Return frames of all trajectories by turns: each has labels after an early stop."""
    runs: dict[str, list[Atoms]] = {}
    for frame in frames:
        runs.setdefault(str(frame.info["run"]), []).append(frame)
    longest = max(len(members) for members in runs.values())
    return [members[k] for k in range(longest) for members in runs.values() if k < len(members)]


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Refuse a second `pykoh label` on the same label file while this one runs."""
    try:
        folder.mkdir(exist_ok=True)
        stream = (folder / "lock").open("w")
    except OSError as error:
        raise LabelError(
            f"{folder}: this folder of scratch files cannot be written ({error.strerror}); name "
            "another -o"
        ) from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise LabelError(
                f"{folder}: another pykoh label works on this label file; wait for it or stop it"
            ) from error
        yield


class FrameQueue:
    """Frames that wait for their labels.

    Args:
        frames: from :func:`pykoh.reference.frames.read_frames`.
        output: the label file; frames that it already holds are not computed again.
        labeller: computes one frame.
        jobs: number of frames computed at a time.
        retry_failed: compute frames again that failed in an earlier call.

    Raises:
        LabelError: the label file holds labels of another level.
    """

    def __init__(
        self,
        frames: Sequence[Atoms],
        output: Path,
        labeller: Labeller,
        jobs: int = 1,
        retry_failed: bool = False,
    ) -> None:
        self.frames = alternate_trajectories(frames)
        self.keys = [frame_key(frame) for frame in self.frames]
        self.output = output
        self.summary = output.with_suffix(".json")
        self.labeller = labeller
        self.jobs = jobs
        self._results = _Results()
        self._stop = threading.Event()
        self._read_earlier(retry_failed)

    def _read_earlier(self, retry_failed: bool) -> None:
        wanted = self.labeller.level
        if self.output.exists():
            for atoms in read_extxyz(self.output, "label file"):
                if atoms.info.get("level_key") != wanted.key:
                    raise LabelError(
                        f"{self.output}: holds labels at {atoms.info.get('level')}, with other "
                        f"settings than the present {wanted.name}; choose another name with -o"
                    )
                if atoms.info.get("config_type") == ISOLATED:
                    self._results.atoms[atoms.get_chemical_symbols()[0]] = atoms
                else:
                    self._results.done[str(atoms.info["frame"])] = atoms
        if self.summary.exists():
            try:
                earlier = json.loads(self.summary.read_text())["failures"]
                failed = {str(k): str(v) for k, v in earlier.items()}
                self._results.failed.update({} if retry_failed else failed)
            except (ValueError, KeyError, AttributeError, TypeError) as error:
                raise LabelError(
                    f"{self.summary}: is not a summary of pykoh label; move it away"
                ) from error

    def run(
        self,
        report: Callable[[LabelProgress], None] = lambda progress: None,
        with_atoms: bool = True,
    ) -> LabelProgress:
        """Compute the missing labels; call ``report`` after each frame.

        Args:
            report: called in this thread.
            with_atoms: compute the isolated atoms of the elements first.
        """
        folder = work_folder(self.output)
        with _lock(folder):
            for left in (*folder.glob("frame-*"), *folder.glob("atom-*")):
                shutil.rmtree(left)  # from an earlier call that was killed
            elements = sorted({s for f in self.frames for s in f.get_chemical_symbols()})
            missing = [s for s in elements if s not in self._results.atoms] if with_atoms else []
            pending = [
                (key, frame)
                for key, frame in zip(self.keys, self.frames, strict=True)
                if key not in self._results.done and key not in self._results.failed
            ]
            start, core_s, fresh = time.monotonic(), 0.0, 0
            self._save()
            tasks: Iterator[Callable[[], tuple[str, Atoms | None, Label | str]]] = iter(
                [self._atom_task(symbol, folder) for symbol in missing]
                + [self._frame_task(key, frame, folder) for key, frame in pending]
            )
            pool = ThreadPoolExecutor(self.jobs)
            running: set[Future[tuple[str, Atoms | None, Label | str]]] = set()
            try:
                while True:
                    while len(running) < self.jobs and (task := next(tasks, None)) is not None:
                        running.add(pool.submit(task))
                    if not running:
                        break
                    finished, running = wait(running, return_when=FIRST_COMPLETED)
                    for future in finished:
                        label = self._store(*future.result())
                        if label is not None:
                            core_s, fresh = core_s + label.core_s, fresh + 1
                    self._save()
                    report(self._progress(core_s, time.monotonic() - start, fresh))
            except BaseException:
                self._stop.set()
                self.labeller.stop()
                raise
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
            result = self._progress(core_s, time.monotonic() - start, fresh)
            if result.done == result.total:
                shutil.rmtree(folder)
        return result

    def _progress(self, core_s: float, wall_s: float, fresh: int) -> LabelProgress:
        done = sum(key in self._results.done for key in self.keys)
        failed = sum(key in self._results.failed for key in self.keys)
        return LabelProgress(done, failed, len(self.keys), core_s, wall_s, fresh)

    def _frame_task(
        self, key: str, frame: Atoms, folder: Path
    ) -> Callable[[], tuple[str, Atoms | None, Label | str]]:
        def task() -> tuple[str, Atoms | None, Label | str]:
            reasons = []
            for number, recipe in enumerate(self.labeller.recipes):
                scratch = Path(tempfile.mkdtemp(prefix="frame-", dir=folder))
                try:
                    label = self.labeller.label(frame, scratch, number)
                    check_label(label, len(frame))
                except LabelError as error:
                    if self._stop.is_set():
                        shutil.rmtree(scratch)
                        return key, frame, "stopped"
                    reasons.append(f"{recipe}: {error}")
                    _keep_failed_calculation(scratch, folder / f"failed-{key}-{number}")
                else:
                    shutil.rmtree(scratch)
                    return key, frame, label
            return key, frame, "; ".join(reasons)

        return task

    def _atom_task(
        self, symbol: str, folder: Path
    ) -> Callable[[], tuple[str, Atoms | None, Label | str]]:
        def task() -> tuple[str, Atoms | None, Label | str]:
            scratch = Path(tempfile.mkdtemp(prefix="atom-", dir=folder))
            try:
                label = self.labeller.atom(symbol, scratch)
                check_label(label, 1)
                return symbol, None, label
            except LabelError as error:
                if self._stop.is_set():
                    return symbol, None, "stopped"
                raise LabelError(
                    f"isolated {symbol} atom: {error}; label without it: --no-atoms"
                ) from error
            finally:
                shutil.rmtree(scratch)

        return task

    def _store(self, key: str, frame: Atoms | None, outcome: Label | str) -> Label | None:
        """Store one result; return the label of a frame."""
        from ase import Atoms

        if isinstance(outcome, str):
            if outcome != "stopped":
                self._results.failed[key] = outcome
            return None
        if frame is None:
            atom = Atoms(key, cell=[12.0] * 3, pbc=True)
            atom.info["config_type"] = ISOLATED
            self._results.atoms[key] = labelled(atom, outcome, self.labeller.level, key)
            return None
        self._results.done[key] = labelled(frame, outcome, self.labeller.level, key)
        return outcome

    def _save(self) -> None:
        """Write the label file, with frames in the given order, and the summary."""
        results = self._results
        order = dict.fromkeys([*self.keys, *results.done])
        frames = [results.done[key] for key in order if key in results.done]
        frames = [*(results.atoms[s] for s in sorted(results.atoms)), *frames]
        if frames:
            write_labels(self.output, frames)
        level = self.labeller.level
        entry: dict[str, Any] = {
            "level": {"name": level.name, "key": level.key, "code": level.code,
                      "settings": level.settings},
            "versions": versions(),
            "frames": len(self.keys),
            "labelled": sum(key in results.done for key in self.keys),
            "core_hours": round(sum(f.info.get("core_s", 0.0) for f in frames) / 3600, 3),
            "failures": results.failed,
        }  # fmt: skip
        write_text(self.summary, json.dumps(entry, indent=2) + "\n")


def _keep_failed_calculation(scratch: Path, kept: Path) -> None:
    """Keep input and output of a failed calculation, but not its wavefunction."""
    for wavefunction in scratch.glob("*.wfn*"):
        wavefunction.unlink()
    if kept.exists():
        shutil.rmtree(kept)
    scratch.rename(kept)
