"""Several runs, from trajectories or earlier results to one folder: ``pykoh analyze --series``."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pykoh.errors import ResultsError, TrajectoryError
from pykoh.study import Study, analyze_run

if TYPE_CHECKING:
    from pykoh.analysis.results import AnalysisResults
    from pykoh.analysis.series import SeriesPoint
    from pykoh.analysis.series_run import SeriesRun
    from pykoh.trajectory.run import ReadOptions, Run
    from pykoh.trajectory.same_run import Beginning


@dataclass(frozen=True, slots=True)
class Series:
    """Several runs; runs of one solution are combined.

    Attributes:
        points: one for each solution.
        results: results of each run that was analysed now, by name; runs whose earlier results
            were read are not in it.
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

    own = beginnings.get(path)
    for other, begins in beginnings.items():
        if other != path and own is not None and continues(run.last_positions, own, begins):
            say(
                f"Warning: {other} begins where {path} ends: parts of one run are no independent "
                "runs; analyse them together, without --series"
            )


@dataclass(frozen=True, slots=True)
class _Found:
    """What is known of the runs so far.

    Attributes:
        runs: what the series needs of each run.
        results: of runs that were analysed now.
        reports: name and address of the report of each run; the address is relative to the page of
            the series.
        failed: one line for each run that was left out.
    """

    runs: list[SeriesRun]
    results: dict[str, AnalysisResults]
    reports: list[tuple[str, str]]
    failed: list[str]


def analyze_series(
    paths: Sequence[str | Path], output: str | Path, *, force: bool = False, **choices: Any
) -> Series:
    """Analyse each trajectory alone, then all together; write both results.

    Args:
        paths: one for each run: a trajectory, or the results of an earlier analysis (their folder
            or ``results.json``), which are not computed again.
        output: folder for the results.
        force: replace results that the folder holds already.
        choices: fields of :class:`pykoh.study.Study`.

    Raises:
        TrajectoryError: no trajectory can be used.
        ResultsError: runs were analysed with different definitions, a run is there twice, or
            nothing but results is given, together with options for reading trajectories.
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
    from pykoh.analysis.series_run import require_one_definition, results_file

    study, target = Study(**choices), Path(output)
    if isinstance(paths, str | Path):
        raise TrajectoryError(f"{paths}: is one path; give a list with a path for each run")
    if not paths:
        raise TrajectoryError("no run was given; give a list with a path for each run")
    check_output(target, force)
    texts = [str(path) for path in paths]
    earlier = {path: file for path in texts if (file := results_file(path)) is not None}
    if twice := [path for path in earlier if texts.count(path) > 1]:
        raise ResultsError(f"{twice[0]}: is named twice; name each run once")
    if len(earlier) == len(texts):
        _refuse_options(study)
    _refuse_results_inside(target, earlier.values())
    _refuse_same_file(earlier)
    beginnings = _beginnings([path for path in texts if path not in earlier], study.options)
    names = run_names(texts)
    # A finished run keeps its last state until all runs are finished.
    states = {path: checkpoint_file(target, name) for name, path in zip(names, texts, strict=True)}
    found = _Found([], {}, [], [])
    with staged(target) as work:
        for name, path in zip(names, texts, strict=True):
            study.say(f"{name}: {path}")
            try:
                if path in earlier:
                    _read(found, name, earlier[path], target)
                else:
                    run = _analyse(found, name, path, work / name, study, states[path])
                    _warn_of_next_part(run, path, beginnings, study.say)
            except (TrajectoryError, ResultsError) as error:
                found.failed.append(f"{name}: {error}")
        if not found.runs:
            raise TrajectoryError(found.failed[0])
        require_one_definition(found.runs)
        points = series(found.runs)
        energies = activations(points)
        write_series(points, work, energies)
        if study.report:
            from pykoh.report.series import write_series_report

            write_series_report(points, work, found.reports, study.png, energies)
    for state in states.values():
        forget(state)
    return Series(points, found.results, found.failed)


def _analyse(found: _Found, name: str, path: str, folder: Path, study: Study, state: Path) -> Run:
    """Analyse a trajectory and add what it gives.

    Raises:
        TrajectoryError: it cannot be used; its folder is removed.
    """
    from pykoh.analysis.series_run import run_of_series
    from pykoh.trajectory.memory import run_of

    folder.mkdir()
    try:
        run = run_of(path, study.reading())
        results = analyze_run(run, study, folder, state, at_end=True)
    except TrajectoryError:
        shutil.rmtree(folder)
        raise
    found.runs.append(run_of_series(name, results))
    found.results[name] = results
    if study.report:
        found.reports.append((name, f"{name}/report.html"))
    return run


def _read(found: _Found, name: str, file: Path, target: Path) -> None:
    """Add a run that was analysed before.

    Raises:
        ResultsError: the file cannot be used.
    """
    from pykoh.analysis.results.names import RESULTS_JSON
    from pykoh.analysis.series_run import read_run

    found.runs.append(read_run(file, name))
    report = file.parent / "report.html"
    # A file that was renamed may lie beside the report of another run.
    if file.name == RESULTS_JSON and report.is_file():
        # The page is put beside other folders: a link that `target` was is replaced.
        page = target.parent.resolve() / target.name
        address = Path(os.path.relpath(report.resolve(), page)).as_posix()
        found.reports.append((name, quote(address)))


def _refuse_options(study: Study) -> None:
    """Check that no option would have no effect, because no trajectory is read.

    Raises:
        ResultsError: an option of reading or of definitions is given.
    """
    from pykoh.analysis.settings import Settings
    from pykoh.trajectory.run import ReadOptions

    if (study.options or ReadOptions()) != ReadOptions() or (
        study.settings or Settings()
    ) != Settings():
        raise ResultsError(
            "only results of earlier analyses are given: options for trajectories, definitions and "
            "the temperature have no effect on them; leave them out, or name the trajectories"
        )


def _refuse_same_file(files: Mapping[str, Path]) -> None:
    """Check that no results are there twice; short ones have too few numbers to show it later.

    Args:
        files: path as given -> its file.

    Raises:
        ResultsError: two files have the same content.
    """
    seen: dict[bytes, str] = {}
    for path, file in files.items():
        if not file.is_file():
            continue
        other = seen.setdefault(file.read_bytes(), path)
        if other != path:
            raise ResultsError(
                f"{path}: has the same numbers as {other}, so it is not another run; "
                "name each run once"
            )


def _refuse_results_inside(target: Path, files: Iterable[Path]) -> None:
    """Check that the output does not replace the results that it is made of.

    Raises:
        ResultsError: a file is in the output folder.
    """
    for file in files:
        if file.resolve().is_relative_to(target.resolve()):
            raise ResultsError(f"{file}: is in the output folder {target}; choose another one")
