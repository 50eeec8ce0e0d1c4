"""One run or several runs, from frames to a folder of results: the work of ``pykoh analyze``."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pykoh.errors import TrajectoryError

if TYPE_CHECKING:
    from pykoh.analysis.observable import Factory
    from pykoh.analysis.pipeline import Settings
    from pykoh.analysis.results import AnalysisResults
    from pykoh.analysis.series import SeriesPoint
    from pykoh.analysis.workers import Workers
    from pykoh.trajectory.run import ReadOptions, Run
    from pykoh.trajectory.same_run import Beginning


KERNELS = tuple(
    f"pykoh.{name}"
    for name in (
        "analysis.transport.straight_line",
        "analysis.hops.events",
        "analysis.structure.hydroxide_pairs",
        "analysis.common.survival",
        "analysis.common.msd_order_n",
        "analysis.hops.rattle_kernel",
        "analysis.hops.identity_kernel",
        "analysis.structure.contacts",
        "analysis.structure.rdf",
        "analysis.common.geometry",
        "trajectory.unwrapping",
        "trajectory.parsing",
    )
)
"""What is compiled ahead, the last needed first. (The kernel of per_frame.py, which is needed first
of all, is not among them: a rule of the user's own may be part of it.)"""


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
    """

    settings: Settings | None = None
    options: ReadOptions | None = None
    observables: Sequence[Factory] = ()
    workers: int | None = None
    dask: str | None = None
    report: bool = True
    png: bool = False
    checkpoint_min: float = 10.0
    progress: Callable[[Run, int], None] | None = None
    say: Callable[[str], None] = field(default=lambda _: None)

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
        return analyze_run(run_of(trajectory, study.options), study)
    target = Path(output)
    check_output(target, force)
    state = checkpoint_file(target)
    with staged(target) as work:
        results = analyze_run(run_of(trajectory, study.options), study, work, state)
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
    from pykoh.kernels import compile_ahead

    compile_ahead(KERNELS)
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

            write_results(results, folder)
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
    from pykoh.trajectory.opening import COMPRESSED, SUFFIXES

    found = []
    for path in map(Path, paths):
        name = path.name  # empty for "." and "/"
        for endings in (COMPRESSED, SUFFIXES, (".transport",)):
            ending = next((e for e in endings if name.lower().endswith(e)), "")
            name = name[: len(name) - len(ending)]
        pressure_file = path.parent / f"{name}.pressure.txt"
        if name == path.name or not pressure_file.is_file():
            return ()
        if str(pressure_file) not in found:
            found.append(str(pressure_file))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Series:
    """Several runs; runs of one solution are combined.

    Attributes:
        points: one for each solution.
        results: results of each run, by name.
        failed: one line for each run that was left out, with the reason.
    """

    points: list[SeriesPoint]
    results: dict[str, AnalysisResults]
    failed: list[str]


def _beginnings(paths: Sequence[str], options: ReadOptions | None) -> dict[str, Beginning]:
    """Return the first frames of each run.

    Raises:
        TrajectoryError: a run is given twice. Its error would come out too small by √2.
    """
    from pykoh.trajectory.run import ReadOptions
    from pykoh.trajectory.same_run import beginning, is_copy
    from pykoh.trajectory.streams import STDIN

    real = [path if path == STDIN else str(Path(path).resolve()) for path in paths]
    if len(set(real)) < len(real):
        raise TrajectoryError("a trajectory file is named twice; name each file once")
    found: dict[str, Beginning] = {}
    for path in paths:
        begins = beginning(path, options or ReadOptions())
        if begins is None:
            continue
        for other, known in found.items():
            if is_copy(known, begins):
                raise TrajectoryError(
                    f"{path}: has the same frames as {other}, so it is not another run; "
                    "name each run once"
                )
        found[path] = begins
    return found


def _warn_of_next_part(
    run: Run, path: str, beginnings: dict[str, Beginning], say: Callable[[str], None]
) -> None:
    """Say if another run of the series begins where this one ends."""
    from pykoh.trajectory.same_run import continues

    for other, begins in beginnings.items():
        if other != path and continues(run.last_positions, run.atoms.species, begins):
            say(
                f"Warning: {other} begins where {path} ends: parts of one run are no independent "
                "runs; analyse them together, without --series"
            )


def analyze_series(
    paths: Sequence[str | Path], output: str | Path, *, force: bool = False, **choices: Any
) -> Series:
    """Analyse each trajectory alone, then all together; write both results.

    Args:
        paths: one file for each run.
        output: folder for the results.
        force: replace results that the folder holds already.
        choices: fields of :class:`Study`.

    Raises:
        TrajectoryError: no trajectory can be used.
        OutputError: the folder holds other files, or cannot be written.
    """
    from pykoh.analysis.activation import activations
    from pykoh.analysis.results.folder import (
        check_output,
        checkpoint_file,
        forget,
        run_names,
        staged,
    )
    from pykoh.analysis.series import series
    from pykoh.analysis.series_files import write_series
    from pykoh.trajectory.memory import run_of

    study, target = Study(**choices), Path(output)
    check_output(target, force)
    beginnings = _beginnings([str(path) for path in paths], study.options)
    names = run_names([str(path) for path in paths])
    # A finished run keeps its last state until all runs are finished.
    states = {name: checkpoint_file(target, name) for name in names}
    found: list[tuple[str, AnalysisResults]] = []
    failed: list[str] = []
    with staged(target) as work:
        for name, path in zip(names, paths, strict=True):
            study.say(f"{name}: {path}")
            folder = work / name
            folder.mkdir()
            try:
                run = run_of(path, study.options)
                results = analyze_run(run, study, folder, states[name], at_end=True)
            except TrajectoryError as error:
                shutil.rmtree(folder)
                failed.append(f"{name}: {error}")
                continue
            found.append((name, results))
            _warn_of_next_part(run, str(path), beginnings, study.say)
        if not found:
            raise TrajectoryError(failed[0])
        points = series(found)
        energies = activations(points)
        write_series(points, work, energies)
        if study.report:
            from pykoh.report.series import write_series_report

            addresses = [(name, f"{name}/report.html") for name, _ in found]
            write_series_report(points, work, addresses, study.png, energies)
    for state in states.values():
        forget(state)
    return Series(points, dict(found), failed)
