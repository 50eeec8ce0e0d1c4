"""Where the results of ``pykoh analyze`` go, and what is seen while it works."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pykoh.errors import OutputError
from pykoh.files import locked, remove_abandoned

if TYPE_CHECKING:
    from pykoh.trajectory.run import Run


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
    if not content & {"results.json", "series.json"}:
        raise OutputError(
            f"{output}: is not empty and holds no results of pykoh analyze; name a new folder"
        )
    if not force:
        raise OutputError(f"{output}: holds results already; choose another folder or add --force")


_WRITTEN = ("results.json", "run.json", "report.html", "plots", "series.json")


def checkpoint_file(output: Path, run: str = "") -> Path:
    """Return where the state of an analysis is kept, beside its output."""
    name = ".".join(filter(None, (output.resolve().name, run, "checkpoint.npz")))
    return output.resolve().parent / name


def forget(state: Path) -> None:
    """Remove a state, and what a kill left while it was being written."""
    for path in (state, *state.parent.glob(f".{state.name}.*.part")):
        path.unlink(missing_ok=True)


def run_names(paths: Sequence[str]) -> list[str]:
    """Return a short name for each run: its file, its folder, or both, where they differ."""
    files = [Path(path) for path in paths]
    stems = [file.name.split(".")[0] or file.name for file in files]
    folders = [file.resolve().parent.name for file in files]
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
    output.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned(output)
    try:
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
            ours = ours or (entry / "results.json").is_file()  # a run of a series
            if not ours and not (output / entry.name).exists():
                entry.rename(output / entry.name)
    except OSError:
        if not output.exists():
            (old / "old").rename(output)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


class Progress:
    """Frames, time and speed on stderr; a bar where the size of the input is known."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._started = time.perf_counter()
        self._last = 0.0
        self._open = False
        self._begun_at = 0.0  # share of the input that was read before
        self.seconds = 0.0

    def say(self, text: str) -> None:
        """Print a line; called before the first frame."""
        self.close()
        click.echo(text, err=True)
        if total := self._run.bytes_total:
            self._begun_at = self._run.bytes_read / total

    def show(self, n_frames: int) -> None:
        """Say how far the analysis is."""
        now = time.perf_counter()
        self.seconds = now - self._started
        if not sys.stderr.isatty() or now - self._last < 0.2:
            return
        self._last = now
        interval = self._run.frame_interval_ps or 0.0
        text = f"{n_frames} frames, {n_frames * interval / 1000:.3g} ns"
        text += f", {n_frames / max(self.seconds, 1e-9):.0f} frames/s"
        total = self._run.bytes_total
        if total:
            share = min(self._run.bytes_read / total, 1.0)
            left = self.seconds * (1 - share) / max(share - self._begun_at, 1e-9)
            filled = int(24 * share)
            bar = "█" * filled + "·" * (24 - filled)
            text = f"{bar} {100 * share:3.0f} %  {text}, {left:.0f} s left"
        click.echo(f"\r\033[K{text}", err=True, nl=False)
        self._open = True

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the line."""
        if self._open:
            click.echo("", err=True)
            self._open = False
