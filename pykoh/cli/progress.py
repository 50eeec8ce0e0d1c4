"""The progress of ``pykoh analyze``, on stderr."""

from __future__ import annotations

import sys
import time
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pykoh.study import Study
    from pykoh.trajectory.run import Run


class AnalysisProgress:
    """Frames, time and speed on stderr; with a bar if the size of the input is known."""

    def __init__(self) -> None:
        self._run: Run | None = None
        self._started = self._last = time.perf_counter()
        self._open = False
        self._begun_at = 0.0  # share of the input that was read in an earlier call

    def with_progress(self, study: Study) -> dict[str, Any]:
        """Return the fields of a study that reports its progress to this object."""
        study_with_progress = replace(study, progress=self.show, say=self.say)
        return {
            each.name: getattr(study_with_progress, each.name)
            for each in fields(study_with_progress)
        }

    def say(self, text: str) -> None:
        """Print a line."""
        self.close()
        click.echo(text, err=True)

    def show(self, run: Run, n_frames: int) -> None:
        """Show the progress of the analysis."""
        now = time.perf_counter()
        total = run.bytes_total
        if run is not self._run:
            self.close()
            self._run, self._started = run, now
            self._begun_at = run.bytes_read / total if total else 0.0
            return
        if not sys.stderr.isatty() or now - self._last < 0.2:
            return
        self._last = now
        seconds, interval = now - self._started, run.frame_interval_ps or 0.0
        text = f"{n_frames} frames, {n_frames * interval / 1000:.3g} ns"
        text += f", {n_frames / max(seconds, 1e-9):.0f} frames/s"
        if total:
            share = min(run.bytes_read / total, 1.0)
            left = seconds * (1 - share) / max(share - self._begun_at, 1e-9)
            filled = int(24 * share)
            bar = "█" * filled + "·" * (24 - filled)
            text = f"{bar} {100 * share:3.0f} %  {text}, {left:.0f} s left"
        click.echo(f"\r\033[K{text}", err=True, nl=False)
        self._open = True

    def __enter__(self) -> AnalysisProgress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the line."""
        if self._open:
            click.echo("", err=True)
            self._open = False
