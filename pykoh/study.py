"""One run, from frames to a folder of results: the work of ``pykoh analyze``.

Several runs: :mod:`pykoh.study_series`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pykoh.errors import ObservableError

if TYPE_CHECKING:
    from pykoh.analysis.observable import Factory
    from pykoh.analysis.pipeline import Settings
    from pykoh.analysis.results import AnalysisResults
    from pykoh.analysis.workers import Workers
    from pykoh.trajectory.run import ReadOptions, Run


@dataclass(frozen=True, slots=True)
class Study:
    """Options of an analysis and of its output.

    Attributes:
        settings: definitions; by default those of ``pykoh analyze``.
        options: of reading trajectories.
        observables: observables of the user's own, besides those of installed packages.
        workers: number of threads; by default the cores of this process.
        dask: address of a Dask scheduler, instead of threads.
        report: write ``report.html`` and the plots.
        png: also write the plots as PNG.
        checkpoint_min: minutes between saved states of a long analysis; 0: none.
        progress: called with the run and its number of frames so far.
        say: called with a line for the user.

    Raises:
        ObservableError: there are no workers, or the minutes are below 0.
    """

    settings: Settings | None = None
    options: ReadOptions | None = None
    observables: Sequence[Factory] = ()
    workers: int | None = None
    dask: str | None = None
    report: bool = True
    png: bool = False
    checkpoint_min: float = 5.0
    progress: Callable[[Run, int], None] | None = None
    say: Callable[[str], None] = field(default=lambda _: None)

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 1:
            raise ObservableError(f"workers {self.workers}: has to be 1 or more")
        if not 0.0 <= self.checkpoint_min < math.inf:
            raise ObservableError(f"checkpoint_min {self.checkpoint_min:g}: has to be 0 or more")

    def reading(self) -> ReadOptions:
        """Return the options of reading, with the temperature that the times are checked with."""
        from pykoh.trajectory.run import ReadOptions

        options = self.options or ReadOptions()
        kelvin = None if self.settings is None else self.settings.temperature_K
        if options.temperature_K is not None or kelvin is None:
            return options
        return replace(options, temperature_K=kelvin)

    def make_workers(self) -> Workers:
        """Return the workers that analyse blocks of frames."""
        from pykoh.analysis.workers import Workers, dask_workers
        from pykoh.processes import available_cores

        return dask_workers(self.dask) if self.dask else Workers(self.workers or available_cores())


def analyze(
    trajectory: Any, output: str | Path | None = None, *, force: bool = False, **choices: Any
) -> AnalysisResults:
    """Return diffusion, hops, hydrogen bonds, structure and conductivity of one run.

    Args:
        trajectory: a path, several paths in order of time, a :class:`pykoh.Trajectory`, an mdtraj
            trajectory or an MDAnalysis universe.
        output: folder for ``results.json``, CSV files and the report; by default nothing is
            written.
        force: replace results that the folder holds already.
        choices: fields of :class:`Study`, e.g. ``settings=pykoh.Settings(temperature_K=298.15)``,
            ``options=pykoh.ReadOptions(stride=2)``, ``observables=[MyObservable]``.

    Raises:
        TrajectoryError: the trajectory cannot be used.
        ObservableError: an observable of the user's own fails.
        OutputError: the folder holds other files, or cannot be written.
    """
    from pykoh.analysis.results.folder import check_output, checkpoint_file, forget, staged
    from pykoh.trajectory.memory import run_of

    study = Study(**choices)
    if output is None:
        return analyze_run(run_of(trajectory, study.reading()), study)
    target = Path(output)
    check_output(target, force)
    state = checkpoint_file(target)
    with staged(target) as work:
        results = analyze_run(run_of(trajectory, study.reading()), study, work, state)
    forget(state)
    return results


def analyze_run(
    run: Run,
    study: Study,
    folder: Path | None = None,
    state: Path | None = None,
    at_end: bool = False,
) -> AnalysisResults:
    """Analyse one run.

    Args:
        run: the run.
        study: options.
        folder: an existing folder for the output, or None.
        state: file for the state of a long analysis, or None.
        at_end: also keep the last state.
    """
    from pykoh.analysis import KERNELS
    from pykoh.compilation import compile_ahead

    compile_ahead(KERNELS)  # while the rest is imported and the first frames are read
    from pykoh.analysis.checkpoint import Checkpoint
    from pykoh.analysis.custom import installed_observables
    from pykoh.analysis.pipeline import Settings
    from pykoh.analysis.pipeline import analyze as collect
    from pykoh.trajectory.memory import MemoryRun

    settings = study.settings or Settings()
    in_memory = isinstance(run, MemoryRun)
    if not settings.pressure_files and not in_memory:
        beside = pressure_files_beside(run.paths)
        settings = replace(settings, pressure_files=beside, pressure_given=False)
    keeper = None
    if study.checkpoint_min and state is not None and not in_memory:
        every_s = 60.0 * study.checkpoint_min
        keeper = Checkpoint(state, run, settings, every_s, at_end, study.say)
    observables = [*installed_observables(), *study.observables]

    def progress(n_frames: int) -> None:
        if study.progress is not None:
            study.progress(run, n_frames)

    began = time.perf_counter()
    with _run_record(folder, run, settings) as entry:
        results = collect(
            run, settings, progress, study.make_workers(), keeper, observables=observables
        )
        seconds = time.perf_counter() - began
        if folder is not None:
            from pykoh.analysis.results.write import write_results
            from pykoh.analysis.series_run import part_of_series

            write_results(results, folder, part_of_series(results))
            if study.report:
                from pykoh.report.page import write_report

                write_report(results, folder, study.png)
        entry["n_frames"] = results.input.n_frames
        entry["seconds"] = round(seconds, 3)
    return results


@contextmanager
def _run_record(folder: Path | None, run: Run, settings: Settings) -> Iterator[dict[str, Any]]:
    """Write ``run.json`` if there is a folder."""
    from pykoh.provenance import record

    if folder is None:
        yield {}
        return
    with record(folder, files=list(run.paths), settings=settings.plain()) as entry:
        yield entry


def pressure_files_beside(paths: Sequence[str]) -> tuple[str, ...]:
    """Return NAME.pressure.txt of each NAME.dump, NAME.transport.dump, NAME.xtc ... or nothing."""
    from pykoh.trajectory.opening import bare_name

    found = []
    for path in map(Path, paths):
        name = bare_name(path.name)  # empty for "." and "/"
        pressure_file = path.parent / f"{name}.pressure.txt"
        if name == path.name or not pressure_file.is_file():
            return ()
        if str(pressure_file) not in found:
            found.append(str(pressure_file))
    return tuple(found)
