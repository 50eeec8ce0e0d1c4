"""Reference energies, forces and stresses of frames: what ``pykoh label`` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pykoh.errors import LabelError
from pykoh.reference.frame_queue import FrameQueue, LabelProgress, work_folder
from pykoh.reference.frames import read_frames, to_label
from pykoh.reference.level import Labeller

if TYPE_CHECKING:
    from ase import Atoms

FrameSource = str | Path | Sequence[str | Path] | Sequence[Any]


@dataclass(frozen=True, slots=True)
class Labelled:
    """What came of labelling.

    Attributes:
        labels: the label file.
        summary: JSON file with the level and the reasons of failures.
        progress: how many frames are labelled, and what they cost.
        notes: what to know about the frames.
    """

    labels: Path
    summary: Path
    progress: LabelProgress
    notes: list[str]


def label(
    frames: FrameSource,
    output: str | Path,
    *,
    labeller: Labeller | str | None = None,
    command: Sequence[str] | None = None,
    jobs: int = 1,
    threads: int = 1,
    retry_failed: bool = False,
    with_atoms: bool = True,
    progress: Callable[[LabelProgress], None] = lambda _: None,
) -> Labelled:
    """Compute reference labels of frames; the same call goes on after a stop.

    Args:
        frames: files of extended xyz, or a list of periodic ASE atoms.
        output: label file, ``NAME.extxyz``; frames that it holds already are kept.
        labeller: ``"MODULE:FACTORY"`` of an ASE calculator, or an object of your own
            (:class:`pykoh.reference.level.Labeller`); CP2K at BLYP-D3 by default.
        command: how CP2K is started, e.g. ``["mpirun", "-n", "16", "cp2k.psmp"]``.
        jobs: frames computed at a time.
        threads: OpenMP threads of each CP2K process.
        retry_failed: try frames again that failed before.
        with_atoms: compute the isolated atoms too.
        progress: called after each frame.

    Raises:
        LabelError: frames that cannot be labelled, a file of another level, or no CP2K.
    """
    target = Path(output)
    check_output(target)
    boxes, notes = frames_of(frames, target)
    chosen = labeller_of(labeller, target, command, threads)
    queue = FrameQueue(boxes, target, chosen, jobs, retry_failed)
    end = queue.run(progress, with_atoms=with_atoms)
    return Labelled(target, queue.summary, end, notes)


def check_output(output: Path) -> None:
    """Refuse a name of a label file that cannot be written.

    Raises:
        LabelError: another suffix, or no such folder.
    """
    if output.suffix != ".extxyz":
        raise LabelError(f"{output}: a label file is extended xyz; name it {output.stem}.extxyz")
    if not output.parent.is_dir():
        raise LabelError(f"{output}: its folder {output.parent} does not exist; create it first")


def frames_of(frames: FrameSource, output: Path) -> tuple[list[Atoms], list[str]]:
    """Return the frames of files or of a list, checked, and notes about them.

    Raises:
        LabelError: a file is also the output, or a frame cannot be labelled.
    """
    if isinstance(frames, str | Path):
        frames = [frames]
    if all(isinstance(each, str | Path) for each in frames):
        paths = [Path(each) for each in frames]
        if output in paths:
            raise LabelError(f"{output}: is also a file of frames; choose another name with -o")
        return read_frames(paths)
    return to_label([(atoms, f"frame {k}", "frames") for k, atoms in enumerate(frames, start=1)])


def labeller_of(
    choice: Labeller | str | None, output: Path, command: Sequence[str] | None, threads: int
) -> Labeller:
    """Return what computes a frame: CP2K, an ASE calculator, or what was given.

    Raises:
        LabelError: both a command and another labeller were given, or it cannot be found.
    """
    if choice is None:
        from pykoh.reference.cp2k import Cp2kLabeller

        return Cp2kLabeller(work_folder(output), list(command) if command else None, threads)
    if command is not None:
        raise LabelError("--command and --calculator: give only one of them")
    if isinstance(choice, str):
        from pykoh.reference.ase_calculator import AseLabeller

        return AseLabeller(choice)
    return choice
