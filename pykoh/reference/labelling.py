"""Reference energies, forces and stresses of frames: the work of ``pykoh label``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
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
    """The result of labelling.

    Attributes:
        labels: the label file.
        summary: JSON file with the level and the reasons of failures.
        progress: number of labelled frames, and their cost.
        notes: notes about the frames.
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
    """Compute reference labels of frames; the same call continues after a stop.

    Args:
        frames: files of extended xyz, or a list of periodic ASE atoms.
        output: label file, ``NAME.extxyz``; frames that it already holds are kept.
        labeller: ``"MODULE:FACTORY"`` of an ASE calculator, or an object of your own
            (:class:`pykoh.reference.level.Labeller`); CP2K at BLYP-D3 by default.
        command: command that starts CP2K, e.g. ``["mpirun", "-n", "16", "cp2k.psmp"]``.
        jobs: frames computed at a time.
        threads: OpenMP threads of each CP2K process.
        retry_failed: compute frames again that failed before.
        with_atoms: also compute the isolated atoms.
        progress: called after each frame.

    Raises:
        LabelError: a frame cannot be labelled, the file has another level, or there is no CP2K.
    """
    target = Path(output)
    check_output(target)
    boxes, notes = frames_of(frames, target)
    chosen = labeller_of(labeller, target, command, threads, elements_of(boxes))
    queue = FrameQueue(boxes, target, chosen, jobs, retry_failed)
    end = queue.run(progress, with_atoms=with_atoms)
    return Labelled(target, queue.summary, end, notes)


def check_output(output: Path) -> None:
    """Check the name of a label file.

    Raises:
        LabelError: it has another suffix, or its folder does not exist.
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


def elements_of(frames: Sequence[Atoms]) -> set[str]:
    """Return the elements of all frames."""
    return {symbol for frame in frames for symbol in frame.get_chemical_symbols()}


def labeller_of(
    choice: Labeller | str | None,
    output: Path,
    command: Sequence[str] | None,
    threads: int,
    elements: Collection[str] = (),
) -> Labeller:
    """Return the labeller: CP2K, an ASE calculator, or the given one.

    Raises:
        LabelError: both a command and another labeller were given, or the program is not found.
    """
    if choice is None:
        from pykoh.reference.cp2k import Cp2kLabeller

        words = list(command) if command else None
        return Cp2kLabeller(work_folder(output), words, threads, elements)
    if command is not None:
        raise LabelError("--command and --calculator: give only one of them")
    if isinstance(choice, str):
        from pykoh.reference.ase_calculator import AseLabeller

        return AseLabeller(choice)
    return choice
