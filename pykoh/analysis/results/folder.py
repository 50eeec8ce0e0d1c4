"""The folder of an analysis: never overwritten, and put in its place as a whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pykoh.analysis.results.names import RESULTS_JSON, SERIES_JSON
from pykoh.errors import OutputError
from pykoh.files import locked, remove_abandoned
from pykoh.trajectory.opening import bare_name


def check_output(output: Path, force: bool) -> None:
    """Refuse a folder that holds something that would be lost.

    Raises:
        OutputError: it is a file, holds results and ``force`` is off, or holds other things.
    """
    if not output.exists():
        return
    if not output.is_dir():
        raise OutputError(f"{output}: is a file; name a folder with -o")
    content = {path.name for path in output.iterdir()}
    if not content:
        return
    if not content & {RESULTS_JSON, SERIES_JSON}:
        raise OutputError(
            f"{output}: is not empty and holds no results of pykoh analyze; name a new folder"
        )
    if not force:
        raise OutputError(f"{output}: holds results already; choose another folder or add --force")


_WRITTEN = (RESULTS_JSON, "run.json", "report.html", "plots", SERIES_JSON)


def checkpoint_file(output: Path, run: str = "") -> Path:
    """Return where the state of an analysis is kept, beside its output."""
    name = ".".join(filter(None, (output.resolve().name, run, "checkpoint.npz")))
    return output.resolve().parent / name


def forget(state: Path) -> None:
    """Remove a state, and what a kill left while it was being written."""
    for path in (state, *state.parent.glob(f".{state.name}.*.part")):
        path.unlink(missing_ok=True)


def run_names(paths: Sequence[str]) -> list[str]:
    """Return a short name for each run: its file, its folder, or both, where they differ.

    Args:
        paths: trajectories, folders of results, or ``results.json`` under any name.
    """
    files = [file.parent if file.name == RESULTS_JSON else file for file in map(Path, paths)]
    stems = [bare_name(file.name).removesuffix(".json") or file.name for file in files]
    # Who copies results.json under another name has named the run.
    folders = [
        stem if file.suffix == ".json" else file.resolve().parent.name
        for file, stem in zip(files, stems, strict=True)
    ]
    for names in (folders, stems, [f"{a}_{b}" for a, b in zip(folders, stems, strict=True)]):
        if len(set(names)) == len(names) and all(names):
            return names
    return [f"{stem}_{number}" for number, stem in enumerate(stems, start=1)]


@contextmanager
def staged(output: Path) -> Iterator[Path]:
    """Give a folder beside ``output`` and put it in its place when the block succeeds.

    Raises:
        OutputError: nothing can be written there.
    """
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(output)
        work = Path(tempfile.mkdtemp(prefix=f".{output.name}.", suffix=".part", dir=output.parent))
    except OSError as error:
        raise OutputError(f"{output}: cannot write there ({error.strerror})") from error
    try:
        work.chmod(0o755)
        with locked(work):
            yield work
        _put(work, output)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _put(work: Path, output: Path) -> None:
    """Move a finished folder to its place; what an analysis had written there is removed."""
    if not output.exists():
        work.rename(output)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{output.name}.", suffix=".old", dir=output.parent))
    output.rename(old / "old")
    try:
        work.rename(output)
        for entry in (old / "old").iterdir():
            ours = entry.suffix == ".csv" or entry.name in _WRITTEN
            ours = ours or (entry / RESULTS_JSON).is_file()  # a run of a series
            if not ours and not (output / entry.name).exists():
                entry.rename(output / entry.name)
    except OSError:
        if not output.exists():
            (old / "old").rename(output)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)
