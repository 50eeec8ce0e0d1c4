"""Synthetic trajectories with known answers, and LAMMPS dumps of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

OH_A = 0.97
H, O, K = 1, 2, 3  # noqa: E741 - elements; LAMMPS types


def box_lines(cell: np.ndarray, origin: np.ndarray, style: str) -> list[str]:
    """Return the lines of ITEM: BOX BOUNDS for a restricted triclinic or orthogonal cell."""
    if style == "abc":
        rows = [
            f"{v[0]!r} {v[1]!r} {v[2]!r} {o!r}"
            for v, o in zip(cell.tolist(), origin.tolist(), strict=True)
        ]
        return ["ITEM: BOX BOUNDS abc origin pp pp pp", *rows]
    lo, hi = origin, origin + np.diag(cell)
    xy, xz, yz = float(cell[1, 0]), float(cell[2, 0]), float(cell[2, 1])
    if style == "ortho":
        return [
            "ITEM: BOX BOUNDS pp pp pp",
            *(f"{float(a)!r} {float(b)!r}" for a, b in zip(lo, hi, strict=True)),
        ]
    low = [lo[0] + min(0, xy, xz, xy + xz), lo[1] + min(0, yz), lo[2]]
    high = [hi[0] + max(0, xy, xz, xy + xz), hi[1] + max(0, yz), hi[2]]
    rows = [
        f"{float(a)!r} {float(b)!r} {t!r}" for a, b, t in zip(low, high, (xy, xz, yz), strict=True)
    ]
    return ["ITEM: BOX BOUNDS xy xz yz pp pp pp", *rows]


def dump_text(
    positions: np.ndarray,
    types: Sequence[int],
    cell: np.ndarray,
    *,
    columns: str = "id type xu yu zu",
    origin: Sequence[float] = (0.0, 0.0, 0.0),
    box: str | None = None,
    times: Sequence[float] | None = None,
    steps: Sequence[int] | None = None,
    units: str | None = None,
    velocities: np.ndarray | None = None,
    shuffle: int | None = 0,
    digits: str = ".17g",
) -> str:
    """Return a LAMMPS text dump.

    Args:
        positions: [n_frames, n_atoms, 3], Å, unwrapped, measured from ``origin``.
        types: [n_atoms].
        cell: [3, 3] or [n_frames, 3, 3], Å.
        columns: names of the columns; images and scaled coordinates are worked out.
        shuffle: seed of the order of atoms, which changes from frame to frame; None: by id.
    """
    positions = np.asarray(positions, dtype=float)
    n_frames, n_atoms = positions.shape[:2]
    cells = np.broadcast_to(np.asarray(cell, dtype=float), (n_frames, 3, 3))
    corner = np.asarray(origin, dtype=float)
    steps = list(range(0, 10 * n_frames, 10)) if steps is None else list(steps)
    rng = None if shuffle is None else np.random.default_rng(shuffle)
    elements = {H: "H", O: "O", K: "K"}
    names = columns.split()
    out = []
    for f in range(n_frames):
        h = cells[f]
        style = box or ("ortho" if np.allclose(h, np.diag(np.diag(h))) else "tri")
        if units is not None and f == 0:
            out += ["ITEM: UNITS", units]
        if times is not None:
            out += ["ITEM: TIME", repr(float(times[f]))]
        out += ["ITEM: TIMESTEP", str(steps[f]), "ITEM: NUMBER OF ATOMS", str(n_atoms)]
        out += box_lines(h, corner, style)
        out.append(f"ITEM: ATOMS {columns}")
        fraction = positions[f] @ np.linalg.inv(h)
        image = np.floor(fraction)
        wrapped = (fraction - image) @ h + corner
        table = {
            "xu": positions[f] + corner,
            "x": wrapped,
            "xs": fraction - image,
            "xsu": fraction,
            "ix": image,
            "vx": None if velocities is None else velocities[f],
        }
        values = {}
        for first, vectors in table.items():
            if vectors is not None:
                for k, axis in enumerate("xyz"):
                    values[first.replace("x", axis, 1)] = vectors[:, k]
        order = np.arange(n_atoms) if rng is None else rng.permutation(n_atoms)
        for i in order:
            words = []
            for name in names:
                if name == "id":
                    words.append(str(i + 1))
                elif name == "type":
                    words.append(str(types[i]))
                elif name == "element":
                    words.append(elements[types[i]])
                elif name in ("ix", "iy", "iz"):
                    words.append(str(int(values[name][i])))
                elif name in values:
                    words.append(format(float(values[name][i]), digits))
                else:
                    words.append("0.5")
            out.append(" ".join(words))
    return "\n".join(out) + "\n"


def write_dump(path: Path, *args: object, **kwargs: object) -> Path:
    path.write_text(dump_text(*args, **kwargs))  # type: ignore[arg-type]
    return path


class Molecules:
    """Oxygens at fixed places whose protons are moved by a script.

    Args:
        oxygens: [n_o, 3], Å.
        n_hydrogens: H of each oxygen.
        cell: edge of a cubic cell, Å.
        cations: [n_k, 3], Å.
    """

    def __init__(
        self,
        oxygens: Sequence[Sequence[float]],
        n_hydrogens: Sequence[int],
        cell: float = 20.0,
        cations: Sequence[Sequence[float]] = (),
    ) -> None:
        self.oxygens = np.array(oxygens, dtype=float)
        self.cations = np.array(cations, dtype=float).reshape(-1, 3)
        self.owner = np.repeat(np.arange(len(n_hydrogens)), n_hydrogens)
        self.cell = cell * np.eye(3)
        self._frames: list[np.ndarray] = []
        rng = np.random.default_rng(1)
        # Off the x axis, along which the tests put neighbours.
        directions = rng.normal(size=(len(self.owner), 3)) * (0.1, 1.0, 1.0)
        self._bonds = OH_A * directions / np.linalg.norm(directions, axis=1)[:, None]

    @property
    def types(self) -> list[int]:
        return [H] * len(self.owner) + [O] * len(self.oxygens) + [K] * len(self.cations)

    def move(self, donor: int, acceptor: int) -> None:
        """Give a proton of ``donor`` to ``acceptor``."""
        proton = int(np.flatnonzero(self.owner == donor)[0])
        self.owner[proton] = acceptor

    def hop(self, ion: int, to: int) -> None:
        """Move a hydroxide from oxygen ``ion`` to the water ``to``."""
        self.move(to, ion)

    def wait(self, n_frames: int = 1) -> None:
        """Record frames."""
        hydrogens = self.oxygens[self.owner] + self._bonds
        frame = np.concatenate([hydrogens, self.oxygens, self.cations])
        self._frames += [frame.copy() for _ in range(n_frames)]

    @property
    def positions(self) -> np.ndarray:
        return np.array(self._frames)


def brownian(
    rng: np.random.Generator, n_frames: int, n_particles: int, d: float, dt: float
) -> np.ndarray:
    """Return [n_frames, n_particles, 3], Å: walkers with diffusion coefficient d (Å²/ps)."""
    steps = rng.normal(scale=np.sqrt(2 * d * dt), size=(n_frames, n_particles, 3))
    steps[0] = 0.0
    return steps.cumsum(axis=0)


def koh_walkers(
    rng: np.random.Generator,
    n_frames: int,
    *,
    n_koh: int = 4,
    n_water: int = 24,
    cell: float = 12.0,
    step: float = 0.05,
    hop: float = 0.05,
) -> tuple[np.ndarray, list[int]]:
    """Return positions [n_frames, n_atoms, 3] and types of molecules that walk, turn and hop."""
    n_o = n_koh + n_water
    side = int(np.ceil((n_o + n_koh) ** (1 / 3)))
    grid = np.stack(np.meshgrid(*[np.arange(side)] * 3, indexing="ij"), -1).reshape(-1, 3)
    grid = (rng.permutation(grid)[: n_o + n_koh] + 0.5) * cell / side
    heavy = grid + rng.normal(scale=0.2, size=grid.shape)
    counts = np.full(n_o, 2)
    counts[:n_koh] = 1
    owner = np.repeat(np.arange(n_o), counts)
    bond = rng.normal(size=(len(owner), 3))
    frames = []
    for _ in range(n_frames):
        heavy = heavy + rng.normal(scale=step, size=heavy.shape)
        bond = bond + rng.normal(scale=0.1, size=bond.shape)
        bond *= OH_A / np.linalg.norm(bond, axis=1)[:, None]
        counts = np.bincount(owner, minlength=n_o)
        for ion in np.flatnonzero(counts == 1):
            if rng.random() < hop:
                vector = heavy[:n_o] - heavy[ion]
                vector -= cell * np.round(vector / cell)
                distance = (vector**2).sum(axis=1) + 1e9 * (counts != 2)
                donor = int(distance.argmin())
                owner[np.flatnonzero(owner == donor)[0]] = ion
                counts[donor], counts[ion] = 1, 2
        frames.append(np.concatenate([heavy[owner] + bond, heavy]))
    return np.array(frames), [H] * len(owner) + [O] * n_o + [K] * n_koh
