"""Damaged trajectories: cut, written on, mutated. One line, bounded time, never a wrong number."""

from __future__ import annotations

import gzip
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pykoh.errors import TrajectoryError
from pykoh.trajectory.run import ReadOptions, Run
from test_trajectory_foreign import (
    CELL,
    DT,
    data_file,
    extxyz,
    frames_of,
    lammps_netcdf,
    liquid,
    refused,
    write_other,
)
from trajectories import dump_text


def text_dump(n_frames: int = 6, columns: str = "id type xu yu zu") -> tuple[str, np.ndarray]:
    """Return a dump as LAMMPS writes it (UNITS, TIME, TIMESTEP; %.5f) and the positions."""
    positions, types = liquid(n_frames=n_frames)
    text = dump_text(positions, types, CELL, times=np.arange(n_frames) * DT, units="metal",
                     columns=columns, shuffle=None, digits=".5f")  # fmt: skip
    return text, positions


def offsets(text: str) -> list[int]:
    """Return where each frame begins."""
    found, place = [0], text.find("ITEM: TIME\n", 20)
    while place >= 0:
        found.append(place)
        place = text.find("ITEM: TIME\n", place + 1)
    return found


def test_a_frame_that_was_cut_and_written_on_is_left_out(tmp_path: Path) -> None:
    text, _ = text_dump()
    starts = offsets(text)
    body = text.index("ITEM: ATOMS", starts[2]) + 40
    path = tmp_path / "a.dump"
    # Within the header, within lines and between words; `append yes` writes right behind it.
    cuts = [starts[2] + k for k in (3, 8, 14, 20, 30, 40, 50, 70, 90, 110, 130)]
    cuts += [body + k for k in range(60)] + [starts[3] - k for k in range(1, 12)]
    for cut in cuts:
        path.write_text(text[:cut] + "ITEM: UNITS\nmetal\n" + text[starts[2] :])
        found, times, run = frames_of(path)
        assert len(found) == 6, cut
        assert times == pytest.approx(np.arange(6) * DT)
        whole, _, _ = frames_of(path)
        assert (whole == found).all()
        assert len(run.notes) == 1 or text[cut - 1] == "\n", (cut, run.notes)


def test_a_cut_frame_does_not_hide_other_damage(tmp_path: Path) -> None:
    text, _ = text_dump()
    starts = offsets(text)
    path = tmp_path / "a.dump"
    place = text.index("ITEM: ATOMS", starts[2]) + 60
    broken = text[:place] + "x" + text[place:]
    path.write_text(broken)
    refused("frame 3", path)


@pytest.mark.parametrize("columns", ["id type xu yu zu", "id type x y z ix iy iz"])
def test_a_frame_without_a_final_newline_is_whole(tmp_path: Path, columns: str) -> None:
    text, _ = text_dump(1, columns)
    path = tmp_path / "a.dump"
    path.write_text(text)
    whole, _, _ = frames_of(path)
    path.write_text(text.rstrip("\n"))
    found, _, run = frames_of(path)
    assert (found == whole).all() and run.notes == []
    many, _ = text_dump(4, columns)
    path.write_text(many.rstrip("\n"))
    assert len(frames_of(path)[0]) == 4


def test_a_last_number_that_was_cut_is_not_taken_for_whole(tmp_path: Path) -> None:
    text, _ = text_dump(3)
    path = tmp_path / "a.dump"
    for missing in (2, 3, 4, 5):
        path.write_text(text[:-missing])
        found, _, run = frames_of(path)
        assert len(found) == 2 and "incomplete" in run.notes[0]


def binary_dump(box: tuple[float, ...] = (0, 12, 0, 12, 0, 12)) -> bytes:
    """Return a binary dump of one frame of two atoms, as LAMMPS lays it out."""
    names = b"id type xu yu zu"
    head = struct.pack("<q", -10) + b"DUMPCUSTOM" + struct.pack("<ii", 1, 2)
    head += struct.pack("<qqi", 0, 2, 0) + struct.pack("<6i", *[0] * 6)
    head += struct.pack("<6d", *box) + struct.pack("<i", 5) + struct.pack("<i", 0)
    head += struct.pack("<b", 1) + struct.pack("<d", 0.0) + struct.pack("<i", len(names)) + names
    atoms = struct.pack("<10d", 1, 1, 0.1, 0.2, 0.3, 2, 2, 1.0, 0.2, 0.3)
    return head + struct.pack("<ii", 1, 10) + atoms


def test_binary_dumps_with_impossible_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(binary_dump())
    assert len(frames_of(path)[0]) == 1
    for box in ((0, 12, 0, 0, 0, 12), (0, 12, 0, np.nan, 0, 12), (0, 1e300, 0, 12, 0, 12)):
        path.write_bytes(binary_dump(box))
        refused("frame 1: its box is damaged", path)
    whole = binary_dump()
    pieces = len(whole) - 80 - 8
    for place, value in ((pieces, 2**31 - 1), (pieces, -1), (pieces + 4, 2**31 - 1),
                         (pieces + 4, -3)):  # fmt: skip
        path.write_bytes(whole[:place] + struct.pack("<i", value) + whole[place + 4 :])
        refused("incomplete|first frame", path)
    atoms = whole.index(struct.pack("<qqi", 0, 2, 0)) + 8
    for count in (2**40, 2**62, -5):
        path.write_bytes(whole[:atoms] + struct.pack("<q", count) + whole[atoms + 8 :])
        refused("first frame|damaged", path)


@pytest.mark.parametrize("count", [10**6, 10**12, 10**30])
def test_a_text_dump_with_a_huge_count(tmp_path: Path, count: int) -> None:
    text, positions = text_dump(2)
    n = positions.shape[1]
    path = tmp_path / "a.dump"
    path.write_text(text.replace(f"OF ATOMS\n{n}\n", f"OF ATOMS\n{count}\n"))
    refused("more than the file can hold", path)
    with gzip.open(tmp_path / "a.dump.gz", "wt") as stream:
        stream.write(path.read_text())
    refused("more than the file can hold|first frame", tmp_path / "a.dump.gz")
    path.write_text(text.replace("TIMESTEP\n10\n", f"TIMESTEP\n{10**30}\n"))
    refused("frame 2", path)


@pytest.mark.parametrize("suffix", [".xtc", ".trr", ".dcd"])
def test_a_huge_count_of_atoms_in_a_binary_header(tmp_path: Path, suffix: str) -> None:
    positions, types = liquid(n_frames=4)
    topology = str(data_file(tmp_path / "koh.data", types))
    path = write_other(tmp_path / f"a{suffix}", positions)
    whole = path.read_bytes()
    order = "<" if suffix == ".dcd" else ">"
    for count in (2**31 - 1, -7, 0):
        new = struct.pack(f"{order}i", count)
        path.write_bytes(whole.replace(struct.pack(f"{order}i", len(types)), new))
        refused("atoms|damaged|complete frame", path, topology=topology, interval_ps=DT)


FUZZ = """
import json, sys, warnings
from pathlib import Path
import numpy as np
import pykoh.trajectory.gromacs
from pykoh.errors import TrajectoryError
from pykoh.trajectory.run import ReadOptions, Run
warnings.simplefilter("ignore")
path, topology, seed, rounds = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
whole = path.read_bytes()
rng = np.random.default_rng(seed)
specials = [b"nan", b"inf", b"-1", b"1e30", b"1e308", b"99999999999999999999", b"0", b"\\xff" * 4,
            b"\\x7f\\xff\\xff\\xff", b"\\x00" * 8]
counts = {"read": 0, "refused": 0}
# This is such a process already: without a further one for each file.
pykoh.trajectory.gromacs.require_decodable = lambda *_: None
for k in range(rounds):
    data = bytearray(whole)
    # Half of the damage hits the first frame's header, where the counts are.
    top = len(data) if k % 2 else min(len(data), 400)
    kind = k % 5
    if path.suffix == ".xtc" and kind in (0, 2):
        top = 92  # headers; what damage to packed coordinates does is not for this process to bear
    place = int(rng.integers(top))
    if kind == 0:
        data[place] ^= 1 << int(rng.integers(8))
    elif kind == 1:
        del data[place:]
    elif kind == 2:
        new = specials[int(rng.integers(len(specials)))]
        data[place : place + len(new)] = new
    elif kind == 3:
        del data[place : place + int(rng.integers(1, 200))]
    else:
        data[place:place] = data[place : place + int(rng.integers(1, 200))]
    mutant = path.with_name("mutant" + "".join(path.suffixes))
    mutant.write_bytes(bytes(data))
    run = Run([mutant], ReadOptions(topology=topology, interval_ps=0.01))
    try:
        for block in run.blocks():
            assert np.isfinite(block.positions).all() and np.abs(block.positions).max() <= 1e6
            assert np.isfinite(block.cells).all() and np.isfinite(block.times_ps).all()
        counts["read"] += 1
    except TrajectoryError as error:
        assert "\\n" not in str(error), str(error)
        counts["refused"] += 1
    except BaseException as error:
        print(f"round {k}, kind {kind}, place {place}: {type(error).__name__}: {error}")
        raise
print(json.dumps(counts))
"""


def sample(folder: Path, suffix: str) -> tuple[Path, Path]:
    """Write a small trajectory of a format, and its topology."""
    positions, types = liquid(n_frames=6)
    topology = data_file(folder / "koh.data", types)
    path = folder / f"a{suffix}"
    if suffix == ".nc":
        return lammps_netcdf(path, positions, types, kind="NETCDF3_64BIT_DATA"), topology
    if suffix == ".4.nc":
        return lammps_netcdf(path, positions, types, kind="NETCDF4"), topology
    if suffix in (".xtc", ".trr", ".dcd"):
        return write_other(path, positions), topology
    if suffix == ".extxyz":
        path.write_text(extxyz(positions, types, list(range(6)), clock=True))
    elif suffix == ".bin":
        path.write_bytes(binary_dump() * 3)
    elif suffix == ".dump.gz":
        path.write_bytes(gzip.compress(text_dump()[0].encode()))
    else:
        path.write_text(text_dump()[0])
    return path, topology


@pytest.mark.parametrize(
    "suffix",
    [".dump", ".dump.gz", ".bin", ".xtc", ".trr", ".dcd", ".nc", ".4.nc", ".extxyz"],
)
def test_mutated_files_are_read_or_refused_in_a_line(tmp_path: Path, suffix: str) -> None:
    path, topology = sample(tmp_path, suffix)
    # In a process of its own: C code that reads other formats could take this one down with it.
    done = subprocess.run(
        [sys.executable, "-c", FUZZ, str(path), str(topology), "1", "120"],
        capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout[-300:], done.stderr[-1500:])
    counts = json.loads(done.stdout.strip().splitlines()[-1])
    assert counts["refused"] > 20 and sum(counts.values()) == 120


def test_c_code_that_ends_at_damage_ends_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, topology = sample(tmp_path, ".xtc")
    ended = "import os, signal; print(64, flush=True); os.kill(os.getpid(), signal.SIGSEGV)"
    monkeypatch.setattr("pykoh.trajectory.trial.CHILD", ended)
    with pytest.raises(
        TrajectoryError, match=r"within the 64 frames after frame 64 .*SIGSEGV"
    ) as refusal:
        list(Run([path], ReadOptions(topology=topology)).blocks())
    assert "\n" not in str(refusal.value)


def test_the_same_times_come_from_a_damaged_file_or_none(tmp_path: Path) -> None:
    """What is left of a file that was cut anywhere is the beginning of the whole one."""
    text, _ = text_dump()
    path = tmp_path / "a.dump"
    path.write_text(text)
    whole, _, _ = frames_of(path)
    rng = np.random.default_rng(2)
    for cut in rng.integers(1, len(text), 60):
        path.write_text(text[:cut])
        try:
            found = np.concatenate([b.positions for b in Run([path], ReadOptions()).blocks()])
        except TrajectoryError:
            continue
        assert (found == whole[: len(found)]).all()
