"""LAMMPS text dumps with a fault: the message names what, where and the remedy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pykoh.errors import TrajectoryError
from pykoh.trajectory.run import ReadOptions
from pykoh.trajectory.species import SpeciesMap
from trajectories import dump_text, write_dump
from walks import CUBIC, TYPES, read, walk

GOOD = dump_text(walk(), TYPES, CUBIC, shuffle=None)
FAULTS = {
    "no such file": (None, "no such file"),
    "empty": ("", "is empty"),
    "not a dump": ("hello world\n" * 30, "found 'hello world'"),
    "binary": ("\x00\x01\x02" * 3000, "found '??"),
    "no id": (GOOD.replace("ATOMS id type", "ATOMS nr type"), "column 'id' is missing"),
    "no type": (GOOD.replace("ATOMS id type", "ATOMS id charge"), "'type' and 'element'"),
    "no coordinates": (GOOD.replace("xu yu zu", "xu yu q"), "no coordinates"),
    "columns change": (
        GOOD[:400] + GOOD[400:].replace("xu yu zu", "yu xu zu"),
        "analyse the parts separately",
    ),
    "atom count changes": (
        dump_text(walk(3), TYPES, CUBIC) + dump_text(walk(2)[:, :5], TYPES[:5], CUBIC),
        "has 5 atoms, the first frame has 7",
    ),
    "ids change": (
        GOOD[: GOOD.rindex("\n7 ") + 1] + GOOD[GOOD.rindex("\n7 ") + 1 :].replace("7 ", "9 ", 1),
        "atom 9 was not in the first frame",
    ),
    "id twice": (GOOD.replace("\n7 3", "\n6 3", 1), "atom id 6 occurs twice"),
    "type 4": (GOOD.replace("\n2 2 ", "\n2 4 "), "atom 2 has type 4"),
    "deuterium": (
        GOOD.replace("ATOMS id type", "ATOMS id element").replace("\n1 1 ", "\n1 D "),
        "atom 1 has element 'D': isotopes of hydrogen are not supported",
    ),
    "XDATCAR": (
        "KOH water\n1.0\n9 0 0\n0 9 0\n0 0 9\nH O K\n2 1 1\nDirect configuration=     1\n0 0 0\n",
        "ase convert -i vasp-xdatcar",
    ),
    "results": ('{"input": {"files": [], "n_frames": 3}}', "--series combines results"),
    "short line": (GOOD.rsplit(" ", 1)[0] + "\n", "4 values, but the header names 5"),
    "not a number": (GOOD.replace("\n5 1 ", "\n5 1 x", 1), "not a number"),
    "not periodic": (GOOD.replace("pp pp pp", "pp pp ff"), "not periodic"),
    "box of words": (GOOD.replace("0.0 9.0", "0.0 wide"), "BOX BOUNDS"),
    "flat box": (GOOD.replace("0.0 9.0", "0.0 0.0"), "without volume"),
    "no atoms": (GOOD.replace("OF ATOMS\n7", "OF ATOMS\n0"), "0 atoms"),
    "units": ("ITEM: UNITS\nlj\n" + GOOD, "'lj'"),
    "one cut frame": (GOOD[:200], "ends within its first frame"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_are_named(tmp_path: Path, name: str) -> None:
    text, message = FAULTS[name]
    path = tmp_path / "a.dump"
    if text is not None:
        path.write_text(text)
    with pytest.raises(TrajectoryError) as caught:
        read(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "a.dump" in str(caught.value)


@pytest.mark.parametrize("word", ["nan", "-nan", "inf", "-inf", "NaN", "Infinity", "1e999"])
def test_positions_that_are_not_finite(tmp_path: Path, word: str) -> None:
    lines = GOOD.split("\n")
    # third frame, atom 4
    row = [k for k, line in enumerate(lines) if line.startswith("4 ")][2]
    words = lines[row].split()
    lines[row] = " ".join([*words[:3], word, words[4]])
    (tmp_path / "a.dump").write_text("\n".join(lines))
    with pytest.raises(TrajectoryError, match=r"frame 3 \(step 20\): atom 4 has yu = "):
        read(tmp_path / "a.dump")


def test_unknown_times_name_both_remedies(tmp_path: Path) -> None:
    path = write_dump(tmp_path / "a.dump", walk(), TYPES, CUBIC)
    with pytest.raises(TrajectoryError, match=r"--timestep FS.*dump_modify ID time yes"):
        read(path, options=ReadOptions())


def test_times_that_go_back(tmp_path: Path) -> None:
    times = [0.0, 1.0, 2.0, 3.0, 1.5, 4.0, 5.0]
    path = write_dump(tmp_path / "a.dump", walk(), TYPES, CUBIC, times=times)
    with pytest.raises(TrajectoryError, match="times do not rise"):
        read(path)


def test_frames_between_the_regular_ones_are_dropped(tmp_path: Path) -> None:
    times = [0.0, 1.0, 2.0, 2.4, 3.0, 4.0, 5.0]
    path = write_dump(tmp_path / "a.dump", walk(), TYPES, CUBIC, times=times)
    frames, run = read(path)
    np.testing.assert_allclose(frames.times_ps, [0, 1, 2, 3, 4, 5])
    assert "1 frame between" in run.notes[0]


def test_wrapped_coordinates_with_long_steps(tmp_path: Path) -> None:
    path = write_dump(
        tmp_path / "a.dump", walk(40, step=1.2), TYPES, CUBIC, columns="id type x y z"
    )
    with pytest.raises(TrajectoryError, match=r"too far to unwrap.*xu yu zu"):
        read(path)


def test_other_types(tmp_path: Path) -> None:
    path = write_dump(tmp_path / "a.dump", walk(), [3, 1, 2, 1, 3, 3, 2], CUBIC)
    _, run = read(path, options=ReadOptions(0.5, species_map=SpeciesMap.parse("O, cs, H")))
    assert run.atoms.species.tolist() == [0, 1, 2, 1, 0, 0, 2]
    assert run.atoms.cation == "Cs"
    assert run.atoms.masses[2] == pytest.approx(132.905, abs=1e-3)


@pytest.mark.parametrize("text", ["H,O,Xx", "K,Na", "", "H;O"])
def test_types_that_make_no_sense(text: str) -> None:
    with pytest.raises(TrajectoryError, match="--types"):
        SpeciesMap.parse(text)
