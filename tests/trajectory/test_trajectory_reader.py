"""Reading LAMMPS text dumps: every form gives the same frames as a plain Python parser."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pykoh.errors import TrajectoryError
from pykoh.trajectory import parsing
from pykoh.trajectory.run import ReadOptions, Run
from trajectories import H as HYDROGEN
from trajectories import K, dump_text, write_dump
from trajectories import O as OXYGEN
from walks import CUBIC, GENERAL, TILTED, TYPES, read, reference, walk


def test_the_same_numbers_as_a_plain_parser(tmp_path: Path) -> None:
    text = dump_text(walk(), TYPES, CUBIC)
    (tmp_path / "a.dump").write_text(text)
    frames, run = read(tmp_path / "a.dump")
    np.testing.assert_allclose(frames.positions, reference(text), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(frames.times_ps, np.arange(7) * 0.005)
    assert frames.steps.tolist() == list(range(0, 70, 10))
    assert run.atoms.ids.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert run.atoms.species.tolist() == [0, 1, 2, 1, 0, 0, 2]
    assert run.frame_interval_ps == pytest.approx(0.005)


@pytest.mark.parametrize("cell, box", [(CUBIC, None), (TILTED, None), (GENERAL, "abc")])
@pytest.mark.parametrize(
    "columns",
    [
        "id type xu yu zu",
        "type mass id zu yu xu",
        "id element x y z ix iy iz",
        "id type xs ys zs ix iy iz",
        "id type xsu ysu zsu",
        "id type x y z",
        "id element type xs ys zs vx vy vz",
    ],
)
def test_every_kind_of_coordinate(
    tmp_path: Path, cell: np.ndarray, box: str | None, columns: str
) -> None:
    positions = walk()
    velocities = walk(seed=3)
    path = write_dump(
        tmp_path / "a.dump",
        positions,
        TYPES,
        cell,
        columns=columns,
        box=box,
        origin=(-3.0, 2.0, 0.5),
        velocities=velocities,
    )
    frames, _ = read(path)
    expected = positions + np.array([-3.0, 2.0, 0.5])
    moved = frames.positions - expected
    if "u" not in columns and "ix" not in columns:
        # Without image flags the first frame is where the wrapped one is, whole cells away.
        cells_away = moved[0] @ np.linalg.inv(cell)
        np.testing.assert_allclose(cells_away, np.round(cells_away), atol=1e-9)
        moved = moved - moved[0]
    np.testing.assert_allclose(moved, 0.0, atol=1e-10)
    np.testing.assert_allclose(frames.cells, np.broadcast_to(cell, frames.cells.shape), atol=1e-12)
    if "vx" in columns:
        assert frames.velocities is not None
        np.testing.assert_allclose(frames.velocities, velocities, rtol=1e-12)


@pytest.mark.parametrize(
    "pack",
    [gzip.compress, bz2.compress, lzma.compress, zstandard.ZstdCompressor().compress],
)
def test_compressed_files_read_the_same(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    text = dump_text(walk(40), TYPES, CUBIC).encode()
    (tmp_path / "a.dump").write_bytes(text)
    (tmp_path / "packed").write_bytes(pack(text))
    plain, _ = read(tmp_path / "a.dump")
    packed, _ = read(tmp_path / "packed")
    assert (plain.positions == packed.positions).all()


@pytest.mark.parametrize("pack", [bz2.compress, lzma.compress])
def test_compressed_data_that_are_damaged(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    packed = bytearray(pack(dump_text(walk(40), TYPES, CUBIC).encode()))
    packed[len(packed) // 2] ^= 0xFF
    (tmp_path / "a.packed").write_bytes(packed)
    with pytest.raises(TrajectoryError, match="packed: cannot be read"):
        read(tmp_path / "a.packed")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_compressed_data_that_are_cut_off(tmp_path: Path, pack) -> None:  # type: ignore[no-untyped-def]
    text = dump_text(walk(400), TYPES, CUBIC).encode()
    packed = pack(text)
    (tmp_path / "a.gz").write_bytes(packed[: len(packed) // 2])
    frames, run = read(tmp_path / "a.gz")
    assert 100 < len(frames.steps) < 300
    assert "incomplete" in " ".join(run.notes)
    expected = reference(text.decode())[: len(frames.steps)]
    np.testing.assert_allclose(frames.positions, expected, atol=1e-12)


def test_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = dump_text(walk(), TYPES, CUBIC)
    (tmp_path / "a.dump").write_text(text)

    class Fake:
        buffer = io.BufferedReader(io.BytesIO(text.encode()))  # type: ignore[arg-type]

    monkeypatch.setattr("sys.stdin", Fake())
    frames, run = read("-")
    assert (frames.positions == read(tmp_path / "a.dump")[0].positions).all()
    assert run.bytes_total is None


@pytest.mark.parametrize("first", [True, False])
def test_standard_input_out_of_order_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: bool
) -> None:
    """All its frames would be dropped."""
    path = write_dump(tmp_path / "a.dump", walk(), TYPES, CUBIC)

    class Fake:
        buffer = io.BufferedReader(io.BytesIO(path.read_bytes()))  # type: ignore[arg-type]

    monkeypatch.setattr("sys.stdin", Fake())
    with pytest.raises(TrajectoryError, match=r"standard input .*in order of time"):
        read(*(["-", path] if first else [path, "-"]))


def test_a_frame_with_a_missing_line_is_named(tmp_path: Path) -> None:
    lines = dump_text(walk(), TYPES, CUBIC, times=np.arange(7) * 0.5).splitlines()
    row = [k for k, line in enumerate(lines) if line.startswith("4 ")][3]
    (tmp_path / "a.dump").write_text("\n".join(lines[:row] + lines[row + 1 :]) + "\n")
    with pytest.raises(TrajectoryError, match=r"frame 4 \(1.5 ps, step 30\) is damaged.*--stop 1"):
        read(tmp_path / "a.dump")


def test_windows_line_ends_and_tabs(tmp_path: Path) -> None:
    text = dump_text(walk(), TYPES, CUBIC)
    (tmp_path / "a.dump").write_text(text)
    (tmp_path / "b.dump").write_bytes(text.replace("\n", " \r\n").encode())
    assert (read(tmp_path / "a.dump")[0].positions == read(tmp_path / "b.dump")[0].positions).all()


@settings(max_examples=300)
@given(st.floats(allow_nan=False, allow_infinity=False, width=64), st.sampled_from("gefr"))
def test_numbers_are_read_as_python_reads_them(value: float, kind: str) -> None:
    if kind == "f" and abs(value) > 1e30:
        return
    word = repr(value) if kind == "r" else format(value, f".17{kind}")
    data = np.frombuffer(f" {word}\n\n".encode(), dtype=np.uint8).copy()
    values = np.zeros((1, parsing.N_VALUES))
    status, *_ = parsing.parse_atoms(
        data,
        0,
        len(data) - 1,
        np.array([0]),
        np.zeros(0, dtype=np.uint64),
        np.zeros(0, dtype=np.int8),
        np.zeros(0, dtype=np.int64),
        np.zeros(0, dtype=np.int8),
        np.zeros(1, dtype=np.int64),
        np.zeros(1, dtype=np.int8),
        values,
        np.zeros(parsing.N_VALUES),
        np.zeros(1, dtype=np.int64),
        1,
    )
    assert status == parsing.WHOLE
    expected = float(word)
    tiny = 5e-324 * 10 if abs(expected) < 1e-290 else 0.0  # denormal numbers lose digits
    assert values[0, 0] == pytest.approx(expected, rel=1e-15, abs=tiny)


def test_real_units_and_time(tmp_path: Path) -> None:
    velocities = walk(seed=3)
    path = write_dump(
        tmp_path / "a.dump",
        walk(),
        TYPES,
        CUBIC,
        columns="id type xu yu zu vx vy vz",
        velocities=velocities,
        units="real",
        times=np.arange(7) * 2.0,
    )
    frames, _ = read(path, options=ReadOptions())
    np.testing.assert_allclose(frames.times_ps, np.arange(7) * 0.002)
    assert frames.velocities is not None
    np.testing.assert_allclose(frames.velocities, 1000.0 * velocities)


def test_options_that_contradict_the_dump_or_are_not_used(tmp_path: Path) -> None:
    times = np.arange(7) * 0.25 + 3
    path = write_dump(
        tmp_path / "a.dump",
        walk(),
        TYPES,
        CUBIC,
        times=times,
        units="metal",
        columns="id element xu yu zu",
    )
    other = tmp_path / "small.xyz"
    other.write_text("1\nh\nH 0 0 0\n")
    same = tmp_path / "same.xyz"
    symbols = {HYDROGEN: "H", OXYGEN: "O", K: "K"}
    same.write_text("7\nx\n" + "".join(f"{symbols[t]} 0 0 0\n" for t in TYPES))
    for option, right, wrong in (
        ("timestep_fs", 25.0, 0.5), ("interval_ps", 0.25, 0.2), ("topology", str(same), str(other)),
    ):  # fmt: skip
        name = option.split("_")[0]
        with pytest.raises(TrajectoryError, match=f"a.dump.*--{name}.*leave out --{name}"):
            read(path, options=ReadOptions(**{option: wrong}))  # type: ignore[arg-type]
        frames, run = read(path, options=ReadOptions(**{option: right}))  # type: ignore[arg-type]
        np.testing.assert_allclose(frames.times_ps, times)
        assert [note for note in run.notes if f"--{name} was not used" in note]
    with pytest.raises(TrajectoryError, match="leave out --units real"):
        read(path, options=ReadOptions(units="real"))


def test_start_stop_and_stride(tmp_path: Path) -> None:
    path = write_dump(tmp_path / "a.dump", walk(20), TYPES, CUBIC, times=np.arange(20) * 0.5)
    options = ReadOptions(start_ps=2.0, stop_ps=8.0, stride=3)
    frames, run = read(path, options=options)
    np.testing.assert_allclose(frames.times_ps, [2.0, 3.5, 5.0, 6.5, 8.0])
    assert run.frame_interval_ps == pytest.approx(1.5)


def test_memory_does_not_grow_with_the_run(tmp_path: Path) -> None:
    positions = np.repeat(walk(100), 40, axis=1)
    types = list(np.repeat(TYPES, 40))
    peaks = []
    for n in (800, 2400):
        times = np.arange(n) * 0.01
        path = tmp_path / f"{n}.dump"
        with path.open("w") as stream:
            for k in range(0, n, 100):
                stream.write(
                    dump_text(positions, types, CUBIC, times=times[k : k + 100], digits=".6f")
                )
        run = Run([path], ReadOptions())
        tracemalloc.start()
        assert sum(len(block.steps) for block in run.blocks()) == n
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0] + 100_000


class TestSeveralFiles:
    def parts(self, tmp_path: Path, *ranges: tuple[int, int]) -> tuple[np.ndarray, list[Path]]:
        positions = walk(30)
        times = np.arange(30) * 0.5
        return positions, [
            write_dump(tmp_path / f"{a}-{b}.dump", positions[a:b], TYPES, CUBIC, times=times[a:b])
            for a, b in ranges
        ]

    def test_repeated_frame_at_the_join(self, tmp_path: Path) -> None:
        positions, paths = self.parts(tmp_path, (0, 11), (10, 30))
        frames, run = read(*paths)
        np.testing.assert_allclose(frames.positions, positions, atol=1e-12)
        assert "1 frame is also in the next file; it is counted once" in run.notes[0]

    def test_the_later_file_wins_where_they_overlap(self, tmp_path: Path) -> None:
        positions, paths = self.parts(tmp_path, (0, 20), (12, 30))
        other = positions[:20].copy()
        other[12:] += 0.1  # what ran on before the kill is not the run's past
        write_dump(paths[0], other, TYPES, CUBIC, times=np.arange(20) * 0.5)
        frames, run = read(*paths)
        np.testing.assert_allclose(frames.positions, positions, atol=1e-12)
        assert "8 frames are also in the next file; they are counted once" in run.notes[0]

    def test_reset_image_flags_are_joined(self, tmp_path: Path) -> None:
        positions, _ = self.parts(tmp_path)
        times = np.arange(30) * 0.5
        fraction = positions[15] @ np.linalg.inv(CUBIC)
        reset = positions[15:] - np.floor(fraction) @ CUBIC
        assert np.abs(reset - positions[15:]).max() > 5
        a = write_dump(tmp_path / "a", positions[:15], TYPES, CUBIC, times=times[:15])
        b = write_dump(tmp_path / "b", reset, TYPES, CUBIC, times=times[15:])
        frames, run = read(a, b)
        np.testing.assert_allclose(frames.positions, positions, atol=1e-9)
        assert "image flags were reset" in " ".join(run.notes)

    @pytest.mark.parametrize("columns", ["id type xu yu zu", "id type x y z ix iy iz"])
    @pytest.mark.parametrize("cell", [CUBIC, TILTED], ids=["cubic", "tilted"])
    def test_image_flags_that_are_reset_twice_in_one_file(
        self, tmp_path: Path, columns: str, cell: np.ndarray
    ) -> None:
        """A run that was continued from a data file without flags, and appended to its dump."""
        positions = walk(30) + 0.7 * np.arange(30)[:, None, None]
        given, inverse = positions.copy(), np.linalg.inv(cell)
        for first in (12, 21):
            given[first:] -= np.round(given[first] @ inverse) @ cell
            assert np.abs(given[first] - given[first - 1]).max() > 5
        path = write_dump(
            tmp_path / "a.dump", given, TYPES, cell, times=np.arange(30) * 0.5, columns=columns
        )
        frames, run = read(path)
        np.testing.assert_allclose(frames.positions, positions, atol=1e-5)
        told = [note for note in run.notes if "image flags were reset" in note]
        assert len(told) == 1 and "step" in told[0] and "those before" in told[0]

    def test_atoms_that_cross_the_cell_between_frames_are_left(self, tmp_path: Path) -> None:
        """Frames that lie far apart: what `xu` holds is right."""
        positions = walk(30) * 40.0
        assert np.abs(np.diff(positions, axis=0)).max() > CUBIC[0, 0]
        path = write_dump(tmp_path / "a.dump", positions, TYPES, CUBIC, times=np.arange(30) * 0.5)
        frames, run = read(path)
        np.testing.assert_allclose(frames.positions, positions, atol=1e-9)
        assert run.notes == []

    def test_wrong_order_is_refused(self, tmp_path: Path) -> None:
        _, paths = self.parts(tmp_path, (0, 15), (15, 30))
        with pytest.raises(TrajectoryError, match="name the files in order of time"):
            read(*paths[::-1])

    def test_a_gap_is_refused(self, tmp_path: Path) -> None:
        _, paths = self.parts(tmp_path, (0, 10), (15, 30))
        with pytest.raises(TrajectoryError, match="not evenly spaced"):
            read(*paths)

    def test_other_atoms_are_refused(self, tmp_path: Path) -> None:
        _, paths = self.parts(tmp_path, (0, 10))
        other = write_dump(
            tmp_path / "o", walk(30)[10:, :5], TYPES[:5], CUBIC, times=np.arange(10, 30) * 0.5
        )
        with pytest.raises(TrajectoryError, match="5 atoms, the first frame has 7"):
            read(paths[0], other)


def test_last_frame_cut_off(tmp_path: Path) -> None:
    text = dump_text(walk(), TYPES, CUBIC)
    path = tmp_path / "a.dump"
    start = text.rindex("ITEM: TIMESTEP")
    for end in range(start + 1, len(text), 7):
        path.write_text(text[:end])
        frames, run = read(path)
        assert len(frames.steps) == 6
        assert "incomplete" in run.notes[0]
    path.write_text(text[:start])
    assert read(path)[1].notes == []


def test_a_frame_cut_off_within_the_file_is_left_out(tmp_path: Path) -> None:
    text = dump_text(walk(), TYPES, CUBIC, shuffle=None)
    frames = text.split("ITEM: TIMESTEP")
    broken = "ITEM: TIMESTEP".join([*frames[:4], frames[4][:-60].rsplit("\n", 1)[0] + "\n"])
    again = "ITEM: TIMESTEP".join(["", *frames[4:]])
    (tmp_path / "a.dump").write_text(broken + again)
    found, run = read(tmp_path / "a.dump")
    np.testing.assert_allclose(found.positions, reference(text), atol=1e-12)
    assert "another frame follows" in run.notes[0]
