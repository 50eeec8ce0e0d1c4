"""Frames and label files: what is the same, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ase.io import read, write
from hypothesis import given, settings
from hypothesis import strategies as st

from labels import frames, isolated, label, label_file
from pykoh.errors import LabelError
from pykoh.reference.frames import duplicates, frame_key, molarity_of, read_frames
from pykoh.reference.labels import Reading, read_labels


@settings(max_examples=20)
@given(seed=st.integers(0, 2**31), shift=st.floats(-30, 30))
def test_a_frame_is_the_same_when_moved_wrapped_and_permuted(seed: int, shift: float) -> None:
    rng = np.random.default_rng(seed)
    first, other = frames("dense", "a", 2, seed=1)
    moved = first[rng.permutation(len(first))]
    moved.positions += shift
    moved.wrap()
    assert duplicates([first, other, moved]) == [(0, 2)]


def test_a_triclinic_copy_is_the_same() -> None:
    first = frames("dense", "a", 1, seed=1)[0]
    sheared = first.copy()
    # The same lattice, described by other vectors.
    sheared.set_cell(first.cell.array + np.array([[0, 0, 0], first.cell.array[0], [0, 0, 0]]))
    assert duplicates([first, sheared]) == [(0, 1)]


def test_key_survives_a_file(tmp_path: Path) -> None:
    frame = frames("dense", "a", 1, seed=1)[0]
    write(tmp_path / "a.extxyz", frame, format="extxyz")
    back = read(tmp_path / "a.extxyz")
    assert frame_key(back) == frame_key(frame)
    back.positions[3, 1] += 1e-3
    assert frame_key(back) != frame_key(frame)


def test_molarity_counts_cations_per_volume() -> None:
    frame = frames("dense", "a", 1, seed=1)[0]
    assert molarity_of(frame) == pytest.approx(2 / (6.02214076e23 * frame.get_volume() * 1e-27))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda a: a.set_pbc([True, True, False]), "not periodic"),
        (lambda a: a.positions.__setitem__((3, 0), np.nan), "not a number"),
        (lambda a: a.positions.__setitem__(4, a.positions[5] + 0.1), "neighbour at 0.17"),
    ],
)
def test_broken_frames_are_named(tmp_path: Path, change, expected: str) -> None:
    good, bad = frames("dense", "a", 2, seed=1)
    change(bad)
    write(tmp_path / "f.extxyz", [good, bad], format="extxyz")
    with pytest.raises(LabelError, match=rf"frame 2.*{expected}"):
        read_frames([tmp_path / "f.extxyz"])


def test_a_frame_given_twice_is_left_out_and_named(tmp_path: Path) -> None:
    made = frames("dense", "a", 2, seed=1)
    write(tmp_path / "f.extxyz", [*made, made[0]], format="extxyz")
    kept, notes = read_frames([tmp_path / "f.extxyz"])
    assert len(kept) == 2
    assert len(notes) == 1 and "frame 3" in notes[0] and "frame 1" in notes[0]


def test_what_a_user_calls_a_frame_stays_with_it(tmp_path: Path) -> None:
    some = frames("dense", "a", 2, seed=1)
    some[0].info["kind"] = "compressed"
    write(tmp_path / "f.extxyz", some)
    kept, _ = read_frames([tmp_path / "f.extxyz"])
    assert [frame.info.get("kind") for frame in kept] == ["compressed", None]


def test_labels_are_read_back(tmp_path: Path) -> None:
    labels = read_labels([label_file(tmp_path / "l.extxyz")])
    assert len(labels.frames) == 18
    assert labels.atom_energies_eV == {"H": -0.1, "O": -0.2, "K": -0.3}
    assert labels.core_hours == pytest.approx(18 * 36 / 3600)
    original = label(frames("dilute", "dilute_0", 1, seed=0)[0])
    assert labels.frames[0].arrays["REF_forces"] == pytest.approx(
        original.arrays["REF_forces"], abs=1e-7
    )


@pytest.mark.parametrize("suffix", ["gz", "xz"])
def test_compressed_labels_are_the_same(tmp_path: Path, suffix: str) -> None:
    import gzip
    import lzma

    plain = label_file(tmp_path / "l.extxyz")
    packed = tmp_path / f"l.extxyz.{suffix}"
    packed.write_bytes({"gz": gzip, "xz": lzma}[suffix].compress(plain.read_bytes()))
    one, other = read_labels([plain]), read_labels([packed])
    assert [f.info["REF_energy"] for f in one.frames] == [
        f.info["REF_energy"] for f in other.frames
    ]


def _write(path: Path, change=None, level: str = "lj") -> Path:
    made = [label(f, level) for f in frames("dense", "a", 2, seed=1)]
    if change is not None:
        change(made[1])
    write(path, [*isolated(level), *made], format="extxyz")
    return path


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda a: a.info.pop("REF_energy"), "has no REF_energy"),
        (lambda a: a.arrays.pop("REF_forces"), "has no REF_forces"),
        (lambda a: a.info.__setitem__("REF_energy", np.nan), "not a number"),
        (lambda a: a.info.__setitem__("converged", False), "SCF was not converged"),
        (lambda a: a.info.__setitem__("level", "pbe"), "labelled at pbe.*do not mix"),
        (lambda a: a.arrays["REF_forces"].__imul__(1e4), "--units hartree"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path: Path, change, expected: str) -> None:
    with pytest.raises(LabelError, match=rf"frame 5.*{expected}"):
        read_labels([_write(tmp_path / "l.extxyz", change)])


def test_hartree_is_noticed_and_converted(tmp_path: Path) -> None:
    plain = _write(tmp_path / "l.extxyz")
    energy = read_labels([plain]).frames[0].info["REF_energy"]

    def to_hartree(path: Path) -> None:
        made = read(path, index=":")
        for atoms in made:
            atoms.info["REF_energy"] /= 27.211386245988
            atoms.arrays["REF_forces"] /= 51.422067476326
        write(path, made, format="extxyz")

    to_hartree(plain)
    with pytest.raises(LabelError, match="--units hartree"):
        read_labels([plain])
    again = read_labels([plain], Reading("hartree")).frames[0]
    assert again.info["REF_energy"] == pytest.approx(energy, rel=1e-7)
    with pytest.raises(LabelError, match="choose from eV"):
        read_labels([plain], Reading("Ry"))


def test_two_energies_of_one_frame_are_refused(tmp_path: Path) -> None:
    made = [label(f) for f in frames("dense", "a", 1, seed=1)]
    wrong = made[0].copy()
    wrong.info["REF_energy"] += 0.1
    write(tmp_path / "l.extxyz", [*made, wrong], format="extxyz")
    with pytest.raises(LabelError, match="with another energy"):
        read_labels([tmp_path / "l.extxyz"])


@pytest.mark.parametrize("content", ["", "no xyz\n", "3\nshort\nH 0 0 0\n"])
def test_files_that_are_no_labels(tmp_path: Path, content: str) -> None:
    (tmp_path / "l.extxyz").write_text(content)
    with pytest.raises(LabelError, match=r"l\.extxyz"):
        read_labels([tmp_path / "l.extxyz"])
