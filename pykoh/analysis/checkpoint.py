"""Long analyses go on where they were interrupted: their state, written every few minutes.

The file holds arrays and JSON, no pickle. It is written at once or not at all. It belongs to a list
of files, the beginning of each and what lies before the place that was reached, and to the options;
with others it is not used.
"""

from __future__ import annotations

import hashlib
import json
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pykoh import __version__
from pykoh.analysis.collect import Analysis
from pykoh.analysis.observable import Factory
from pykoh.analysis.settings import Settings
from pykoh.analysis.state import gather, put_back
from pykoh.errors import ObservableError, TrajectoryError
from pykoh.files import replacing
from pykoh.trajectory.run import FrameBlock, Run
from pykoh.trajectory.species import Atoms
from pykoh.trajectory.streams import STDIN

_FORMAT = 6
_SAMPLE = 1 << 16  # bytes of a file that are compared


def _digest(path: str, start: int, length: int) -> str:
    with Path(path).open("rb") as stream:
        stream.seek(start)
        return hashlib.sha256(stream.read(length)).hexdigest()


class Checkpoint:
    """Where the state of one analysis is kept.

    Args:
        path: the file.
        run: the trajectory.
        settings: definitions.
        every_s: seconds between states.
        at_end: keep the last state too, if the analysis took longer than ``every_s``.
        say: called with a line for the user: that a state is used, or why not.
    """

    def __init__(
        self,
        path: Path,
        run: Run,
        settings: Settings,
        every_s: float,
        at_end: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.path = path
        self.at_end = at_end
        self._say = say
        self._run, self._settings = run, settings
        self._every = every_s
        self._began = self._last = time.monotonic()
        self._resumed = False
        self._key = {
            "format": _FORMAT,
            "version": __version__,
            "files": [str(Path(name).resolve()) for name in run.paths],
            "options": [json.loads(json.dumps(asdict(run.options))), settings.plain()],
        }
        self._first: dict[str, Any] = {}
        self._first_cells = np.zeros((0, 3, 3))

    @property
    def possible(self) -> bool:
        """Whether the run can be gone on with: standard input cannot be read twice."""
        return STDIN not in self._run.paths

    def began(self, first: FrameBlock) -> None:
        """Remember what the analysis was made with."""
        self._first_cells = first.cells.copy()
        self._first = {
            "time_ps": float(first.times_ps[0]),
            "interval_ps": self._run.frame_interval_ps,
        }

    def due(self) -> bool:
        """Return whether it is time to save."""
        return self.possible and time.monotonic() - self._last >= self._every

    def long(self) -> bool:
        """Return whether the analysis took so long that its end is worth keeping."""
        return self.possible and (self._resumed or time.monotonic() - self._began >= self._every)

    def save(self, analysis: Analysis, n_read: int) -> None:
        """Write the state after all frames so far.

        Raises:
            OutputError: the file cannot be written.
            ObservableError: what an observable of the user's own has collected cannot be written.
        """
        analysis.settle()
        try:
            arrays, plain = gather(analysis)
        except TypeError as error:
            raise ObservableError(
                f"the state of {', '.join(analysis.names)} cannot be kept: {error}"
            ) from None
        run_arrays, run_plain = self._run.state()
        atoms = self._run.atoms
        about = {
            "key": self._key,
            "first": self._first,
            "n_read": n_read,
            "cation": atoms.cation,
            "observables": analysis.names,
            "analysis": plain,
            "run": run_plain,
            "seen": self._seen(run_plain["number"], run_plain["bytes"]),
        }
        content = {f"a/{name}": value for name, value in arrays.items()}
        content |= {f"r/{name}": value for name, value in run_arrays.items()}
        content |= {"ids": atoms.ids, "species": atoms.species, "masses": atoms.masses}
        content["cells"] = self._first_cells
        content["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
        with replacing(self.path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **content)
        self._last = time.monotonic()

    def _seen(self, number: int, n_bytes: int) -> list[Any]:
        """Return what identifies the files up to the place that was reached."""
        found: list[Any] = []
        for index, path in enumerate(self._run.paths[: number + 1]):
            end = Path(path).stat().st_size if index < number else n_bytes
            start = max(end - _SAMPLE, 0)
            found.append(
                [end, _digest(path, 0, min(_SAMPLE, end)), _digest(path, start, end - start)]
            )
        return found

    def resume(
        self, submit: Callable[..., Any], custom: Sequence[Factory] = ()
    ) -> tuple[Analysis, int] | None:
        """Return the analysis as it was saved, the run being set to go on; None without one.

        Args:
            submit: as for :class:`Analysis`.
            custom: as for :class:`Analysis`.
        """
        if not self.possible or not self.path.is_file():
            return None
        try:
            with np.load(self.path, allow_pickle=False) as file:
                content = {name: file[name] for name in file.files}
            about = json.loads(content.pop("about").tobytes())
            if about["key"] != self._key:
                raise TrajectoryError("it is of other files or options, or another pykoh")
            if about["seen"] != self._seen(about["run"]["number"], about["run"]["bytes"]):
                raise TrajectoryError("the files have changed since")
            atoms = Atoms(content["ids"], content["species"], about["cation"], content["masses"])
            analysis = self._analysis(about, content, atoms, submit, custom)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, TrajectoryError) as error:
            self._run.rewind()
            self._say(f"{self.path}: cannot go on from this state ({error}); begins anew")
            return None
        self._say(f"goes on after {about['n_read']} frames ({self.path})")
        self._resumed = True
        return analysis, int(about["n_read"])

    def _analysis(
        self,
        about: Any,
        content: dict[str, np.ndarray],
        atoms: Atoms,
        submit: Callable[..., Any],
        custom: Sequence[Factory],
    ) -> Analysis:
        self._first, self._first_cells = about["first"], content["cells"]
        n = len(self._first_cells)
        first = FrameBlock(
            np.zeros(n, dtype=np.int64),
            np.full(n, self._first["time_ps"]),
            self._first_cells,
            np.zeros((n, 0, 3)),
            None,
        )
        run = self._run
        run.restore(
            {name[2:]: value for name, value in content.items() if name.startswith("r/")},
            about["run"],
            atoms,
        )
        # The analysis is set up as it was after the first two frames.
        clock = about["run"]["clock"]
        run.restore_clock({**clock, "interval_ps": self._first["interval_ps"]})
        analysis = Analysis(run, self._settings, first, submit, custom)
        if analysis.names != about["observables"]:
            raise TrajectoryError("it is of other observables")
        put_back(
            analysis,
            {name[2:]: value for name, value in content.items() if name.startswith("a/")},
            about["analysis"],
        )
        run.restore_clock(clock)
        return analysis
