"""Trajectories whose transport properties are known exactly, made without any analysis code.

Everything is isotropic unless a name says otherwise. Lengths in Å, times in ps, D in Å²/ps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

H, O, K = 1, 2, 3  # noqa: E741
MASSES = {H: 1.008, O: 15.999, K: 39.0983}


def walkers(
    rng: np.random.Generator, n_frames: int, n: int, d: float, dt: float, dimensions: int = 3
) -> np.ndarray:
    """Return [n_frames, n, 3]: Brownian walkers; with 1 dimension all move along x, D as in 3."""
    steps = rng.normal(scale=np.sqrt(6.0 * d * dt / dimensions), size=(n_frames, n, 3))
    steps[0] = 0.0
    steps[:, :, dimensions:] = 0.0
    return steps.cumsum(axis=0)


def ornstein_uhlenbeck(
    rng: np.random.Generator, n_frames: int, shape: tuple[int, ...], tau: float, dt: float
) -> np.ndarray:
    """Return [n_frames, *shape] with variance 1 and <x(0) x(t)> = exp(-t / tau)."""
    from scipy.signal import lfilter

    keep = np.exp(-dt / tau)
    noise = rng.normal(size=(n_frames, *shape))
    noise[1:] *= np.sqrt(1.0 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], noise, axis=0))


def caged(
    rng: np.random.Generator, n_frames: int, n: int, d: float, dt: float, tau: float, size: float
) -> np.ndarray:
    """Return [n_frames, n, 3]: walkers that also rattle in a harmonic cage, size Å in each axis."""
    rattle = ornstein_uhlenbeck(rng, n_frames, (n, 3), tau, dt)
    return walkers(rng, n_frames, n, d, dt) + size * rattle


def hop_times(rng: np.random.Generator, n_frames: int, chance: float, dead: int) -> np.ndarray:
    """Return the frames of the hops of one ion: waits of ``dead`` - 1 frames + a geometric one."""
    burn = 50 * (dead + int(1.0 / chance))
    total = burn + n_frames
    waits = dead - 1 + rng.geometric(chance, size=int(total / (dead - 1 + 1.0 / chance) * 2) + 50)
    frames = waits.cumsum() - burn
    return frames[(frames > 0) & (frames < n_frames)]


def hop_vectors(
    rng: np.random.Generator, n: int, returns: float, length: float, lattice: bool
) -> np.ndarray:
    """Return [n, 3]: steps that take back the one before with probability ``returns``.

    Otherwise the direction is random, one of the six of a cubic lattice or any. The mean cosine
    between one step and the next is -returns, that of steps m apart its m-th power.
    """
    if lattice:
        axis, sign = rng.integers(3, size=n), rng.integers(2, size=n) * 2.0 - 1.0
        vectors = np.zeros((n, 3))
        vectors[np.arange(n), axis] = sign * length
    else:
        vectors = rng.normal(size=(n, 3))
        vectors *= length / np.linalg.norm(vectors, axis=1)[:, None]
    back = rng.random(n) < returns
    for index in range(1, n):
        if back[index]:
            vectors[index] = -vectors[index - 1]
    return vectors


def hop_diffusion(rate: float, length: float, returns: float) -> float:
    """Return D of such steps: k l²/6 (1 + c) / (1 - c) with c = -returns."""
    return rate * length**2 / 6.0 * (1.0 - returns) / (1.0 + returns)


def hoppers(
    rng: np.random.Generator, n_frames: int, n: int, dt: float, rate: float, returns: float,
    length: float = 2.6, vehicular: float = 0.05,
) -> tuple[np.ndarray, float]:  # fmt: skip
    """Return [n_frames, n, 3] of ions that walk and hop at random times, and their D."""
    chance = rate * dt
    path = walkers(rng, n_frames, n, vehicular, dt)
    for ion in range(n):
        frames = hop_times(rng, n_frames, chance, 1)
        jumps = np.zeros((n_frames, 3))
        jumps[frames] = hop_vectors(rng, len(frames), returns, length, lattice=False)
        path[:, ion] += jumps.cumsum(axis=0)
    return path, vehicular + hop_diffusion(rate, length, returns)


def telegraph(rng: np.random.Generator, n_frames: int, n: int, off: float, on: float) -> np.ndarray:
    """Return [n_frames, n] of bonds that break (``off``) and form (``on``) with fixed chances."""
    state = np.zeros((n_frames, n), dtype=bool)
    state[0] = rng.random(n) < on / (on + off)
    chance = rng.random((n_frames, n))
    for frame in range(1, n_frames):
        before = state[frame - 1]
        state[frame] = np.where(before, chance[frame] >= off, chance[frame] < on)
    return state


def double_well(
    rng: np.random.Generator, n_frames: int, n: int, barrier: float, edges: np.ndarray, tau: float,
    dt: float,
) -> tuple[np.ndarray, float]:  # fmt: skip
    """Return [n_frames, n] of a coordinate δ > 0 that remembers, and its barrier in bins, kT.

    The density is exp[-F(δ)] with F = barrier · [1 - (δ / δ0)²]² kT and its minimum at δ0, a third
    of the way: each is a quantile of a Gaussian process with the correlation time ``tau``.
    """
    from scipy.special import ndtr

    fine = np.linspace(edges[0], edges[-1], 20001)
    density = np.exp(-barrier * (1.0 - (3.0 * fine / edges[-1]) ** 2) ** 2)
    summed = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]))])
    summed /= summed[-1]
    part = np.diff(np.interp(edges, fine, summed)) / np.diff(edges)
    delta = np.interp(ndtr(ornstein_uhlenbeck(rng, n_frames, (n,), tau, dt)), summed, fine)
    return delta, float(np.log(part.max() / part[0]))


def directions(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Return [*shape, 3] unit vectors, isotropic."""
    found = rng.normal(size=(*shape, 3))
    return np.asarray(found / np.linalg.norm(found, axis=-1, keepdims=True))


@dataclass(frozen=True)
class Shell:
    """One cation whose first shell has ``places`` that are taken or empty (a telegraph each).

    Attributes:
        duration: ps.
        places: in the shell.
        off: chance per frame that an oxygen leaves its place.
        on: chance per frame that one comes to an empty place.
        radius: mean distance in the shell, Å.
        spread: standard deviation of the distance, Å.
        memory: correlation time of the distance, ps.
        edge: of the cubic box, Å.
        bulk: oxygens that are never in the shell.
        hollow: Å; the others are anywhere in the box beyond this.
        dt: time between frames, ps.
    """

    duration: float
    places: int = 6
    off: float = 0.02
    on: float = 0.1
    radius: float = 2.8
    spread: float = 0.12
    memory: float = 0.5
    edge: float = 12.0
    bulk: int = 24
    hollow: float = 4.2
    dt: float = 0.1

    def truth(self, bin_A: float) -> dict[str, float]:
        """Return the coordination number, the place of the peak of g(r) and its height in bins."""
        from scipy.stats import norm

        number = self.places * self.on / (self.on + self.off)
        # The maximum of exp[-(r - r0)² / 2 s²] / r².
        peak = 0.5 * (self.radius + np.sqrt(self.radius**2 - 8.0 * self.spread**2))
        edges = np.arange(1.0, 4.0, bin_A)
        density = (self.places + self.bulk) / self.edge**3
        inside = np.diff(norm.cdf(edges, self.radius, self.spread)) * number
        g = inside / (4.0 / 3.0 * np.pi * np.diff(edges**3) * density)
        return {"coordination": number, "peak": float(peak), "height": float(g.max())}

    def positions(self, rng: np.random.Generator) -> np.ndarray:
        """Return [n_frames, 1 + places + bulk, 3], Å: the cation, then oxygens."""
        n = round(self.duration / self.dt) + 1
        taken = telegraph(rng, n, self.places, self.off, self.on)
        distance = self.radius + self.spread * ornstein_uhlenbeck(
            rng, n, (self.places,), self.memory, self.dt
        )
        others = self.edge * (rng.random((n, self.places + self.bulk, 3)) - 0.5)
        while (inside := np.linalg.norm(others, axis=2) < self.hollow).any():
            others[inside] = self.edge * (rng.random((int(inside.sum()), 3)) - 0.5)
        held = distance[:, :, None] * directions(rng, n, self.places)
        others[:, : self.places] = np.where(taken[:, :, None], held, others[:, : self.places])
        return np.concatenate([np.zeros((n, 1, 3)), others], axis=1)


def ion_pairs(
    rng: np.random.Generator, n_frames: int, n: int, off: float, on: float
) -> tuple[np.ndarray, float]:
    """Return [n_frames, 2 n, 3] of n couples that are 2.8 Å apart or 6 Å, and the box's edge."""
    together = telegraph(rng, n_frames, n, off, on)
    first = np.zeros((n_frames, n, 3))
    first[:, :, 0] = 20.0 * np.arange(n)
    apart = np.where(together, 2.8, 6.0)[:, :, None] * directions(rng, n_frames, n)
    return np.concatenate([first, first + apart], axis=1), 20.0 * max(n, 2)


def shear_stress(
    rng: np.random.Generator, n: int, dt: float, tails: tuple[tuple[float, float], ...],
    viscosity: float, volume: float, temperature: float,
) -> np.ndarray:  # fmt: skip
    """Return [n, 6] pressure xx yy zz xy xz yz (bar) with a known viscosity (mPa·s).

    Args:
        rng: random numbers.
        n: rows.
        dt: time between them, ps.
        tails: time (ps) and share of the viscosity of each exponential.
        viscosity: of the sum over rows (the trapezoid rule of the discrete record).
        volume: Å³.
        temperature: K.
    """
    total = np.zeros((n, 5))
    for tau, share in tails:
        keep = np.exp(-dt / tau)
        integral = dt * (0.5 + keep / (1.0 - keep)) * 1e-12  # s, of exp(-t / tau) as sampled
        variance = share * viscosity * 1e-3 * 1.380649e-23 * temperature / (volume * 1e-30)
        total += np.sqrt(variance / integral) * ornstein_uhlenbeck(rng, n, (5,), tau, dt)
    total *= 1e-5  # bar
    xy, xz, yz, a, b = total.T
    # (xx - yy) / 2 = a and (xx + yy - 2 zz) / √12 = b, with trace 0.
    zz = -np.sqrt(12.0) * b / 3.0
    xx, yy = -0.5 * zz + a, -0.5 * zz - a
    return np.stack([xx, yy, zz, xy, xz, yz], axis=1)


@dataclass(frozen=True)
class Box:
    """A reactive box: each hydroxide hops on a lattice of water of its own.

    The oxygens rattle about their sites; so all that a hydroxide diffuses, it hops. Cation i is a
    walker that also goes a part of the way of each hop of hydroxide i: a known cross term.

    Attributes:
        n_ions: hydroxides and cations.
        duration: ps.
        dt: time between frames, ps.
        rate: wanted hops per hydroxide and ps.
        returns: probability that a hop takes back the one before.
        cation: D of a cation by itself.
        drag: part of each hop that the cation goes with its hydroxide.
        rattle: size of the motion of an oxygen about its site, in each axis, Å.
        debye: time in which a water turns, ps.
        spacing: of the sites, Å.
        dead: frames after a hop in which there is none (so that nothing is a rattle).
    """

    n_ions: int
    duration: float
    dt: float = 0.1
    rate: float = 0.4
    returns: float = 0.5
    cation: float = 0.12
    drag: float = 0.0
    rattle: float = 0.03
    debye: float = 8.0
    spacing: float = 4.0
    dead: int = 3
    sites: int = 3

    @property
    def edge(self) -> float:
        return self.sites * self.spacing


@dataclass(frozen=True)
class Made:
    """A trajectory and what is true of it."""

    positions: np.ndarray
    types: list[int]
    edge: float
    dt: float
    truth: dict[str, float] = field(default_factory=dict)


def box_truth(box: Box, rate: float, of_cation: float, temperature: float) -> dict[str, float]:
    """Return the exact values, in the frame of the centre of mass.

    Args:
        box: what was made.
        rate: hops per hydroxide and ps.
        of_cation: mass of one cation over that of everything.
        temperature: K.
    """
    n, w = box.n_ions, of_cation
    hops = hop_diffusion(rate, box.spacing, box.returns)
    # The centre of mass follows the cations: w Σ r. (A proton that is transferred moves it by less
    # than a thousandth of the hop, which is left out.)
    moving = box.cation + box.drag**2 * hops
    centre = n * w**2 * moving
    d_plus = moving * (1.0 - 2.0 * w) + centre
    d_minus = hops * (1.0 - 2.0 * w * box.drag) + centre
    to_S = (1.602176634e-19**2 * 1e-8) / (box.edge**3 * 1e-30 * 1.380649e-23 * temperature)
    rest = 1.0 - n * w
    pp = n * moving * rest**2
    mm = n * (box.cation * (n * w) ** 2 + hops * (1.0 - n * w * box.drag) ** 2)
    pm = n * rest * (-n * w * box.cation + box.drag * hops * (1.0 - n * w * box.drag))
    whole = n * (box.cation + hops * (1.0 - box.drag) ** 2)
    return {
        "D_K": d_plus, "D_OH": d_minus, "D_OH_from_hops": d_minus, "hop_rate": rate,
        "waiting_rate": -np.log1p(-1.0 / (1.0 / (rate * box.dt) - box.dead + 1)) / box.dt,
        "residence_time": 1.0 / rate, "hop_length": box.spacing,
        "return_share": box.returns + (1.0 - box.returns) / 6.0, "mean_cosine": -box.returns,
        "einstein": to_S * whole, "nernst_einstein": to_S * n * (d_plus + d_minus),
        "haven": n * (d_plus + d_minus) / whole, "transference": (pp - pm) / whole,
        "transference_apparent": d_plus / (d_plus + d_minus),
        "cation_cation": to_S * pp, "cation_hydroxide": to_S * pm, "hydroxide_hydroxide": to_S * mm,
    }  # fmt: skip


def reactive_box(rng: np.random.Generator, box: Box, temperature: float = 300.0) -> Made:
    """Return a trajectory of rotating water, cations, and hydroxides that hop and return."""
    n_frames = round(box.duration / box.dt) + 1
    n, s = box.n_ions, box.sites
    grid = np.stack(np.meshgrid(*[np.arange(s)] * 3, indexing="ij"), -1).reshape(-1, 3)
    per = len(grid)
    # Lattices of different hydroxides stay farther apart than an O-H bond.
    thirds = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    fine = rng.permutation(thirds)[np.arange(n) % 27] * (box.spacing / 3.0)
    base = (fine[:, None] + grid[None] * box.spacing).reshape(-1, 3)
    oxygens = base + box.rattle * ornstein_uhlenbeck(rng, n_frames, base.shape, 0.2, box.dt)
    cations = rng.random((n, 3)) * box.edge + walkers(rng, n_frames, n, box.cation, box.dt)
    # Two H on each oxygen, one on those where the hydroxides begin (site 0 of their lattice).
    owner = np.repeat(np.arange(n * per), 2)
    keep = np.ones(len(owner), dtype=bool)
    keep[2 * per * np.arange(n)] = False
    owner = owner[keep]
    bond = ornstein_uhlenbeck(rng, n_frames, (len(owner), 3), box.debye, box.dt)
    bond *= 0.5 / np.linalg.norm(bond, axis=2, keepdims=True)
    # Where each H belongs in each frame, and the periodic image of its oxygen.
    owners = np.tile(owner, (n_frames, 1))
    shift = np.zeros((n_frames, len(owner), 3))
    mean_wait = 1.0 / (box.rate * box.dt)
    chance = 1.0 / (mean_wait - box.dead + 1)
    on = {site: list(np.flatnonzero(owner == site)) for site in range(n * per)}
    for ion in range(n):
        place = np.zeros(3, dtype=int)
        frames = hop_times(rng, n_frames, chance, box.dead)
        for frame, vector in zip(
            frames, hop_vectors(rng, len(frames), box.returns, box.spacing, lattice=True),
            strict=True,
        ):  # fmt: skip
            target = (place + np.rint(vector / box.spacing).astype(int)) % s
            old, new = (ion * per + int(p @ [s * s, s, 1]) for p in (place, target))
            # A proton of the new oxygen goes to the old one, the short way.
            proton = on[new].pop(int(rng.integers(len(on[new]))))
            on[old].append(proton)
            owners[frame:, proton] = old
            moved = base[new] - vector - base[old]
            shift[frame:, proton] += moved
            cations[frame:, ion] += box.drag * vector
            place = target
    hydrogens = np.take_along_axis(oxygens, owners[:, :, None], axis=1) + shift + bond
    cations += _apart(cations[0], np.concatenate([hydrogens[0], oxygens[0]]), box.edge)
    positions = np.concatenate([hydrogens, oxygens, cations], axis=1)
    types = [H] * len(owner) + [O] * (n * per) + [K] * n
    of_cation = MASSES[K] / sum(MASSES[t] for t in types)
    rate = 1.0 / ((box.dead - 1 + 1.0 / chance) * box.dt)
    truth = box_truth(box, rate, of_cation, temperature)
    return Made(positions, types, box.edge, box.dt, truth)


def _apart(cations: np.ndarray, others: np.ndarray, edge: float) -> np.ndarray:
    """Return how far each cation has to be moved to begin outside of all molecules."""
    spots = np.random.default_rng(0).random((20_000, 3)) * edge
    near = cKDTree(others % edge, boxsize=edge).query(spots)[0]
    return spots[np.argsort(-near)[: len(cations)]] - cations


def write(made: Made, path: Path, wrapped: bool = False) -> Path:
    """Write a LAMMPS text dump: unwrapped, or wrapped without image flags."""
    n = len(made.types)
    columns = "x y z" if wrapped else "xu yu zu"
    head = (
        f"ITEM: NUMBER OF ATOMS\n{n}\nITEM: BOX BOUNDS pp pp pp\n"
        + f"0 {made.edge:.17g}\n" * 3
        + f"ITEM: ATOMS id type {columns}\n"
    )
    line = "".join(f"{i + 1} {t} %.4f %.4f %.4f\n" for i, t in enumerate(made.types))
    with path.open("w") as stream:
        for frame, xyz in enumerate(made.positions):
            rows = xyz % made.edge if wrapped else xyz
            stream.write(f"ITEM: TIME\n{frame * made.dt:.6f}\nITEM: TIMESTEP\n{frame}\n{head}")
            stream.write(line % tuple(rows.ravel().tolist()))
    return path
