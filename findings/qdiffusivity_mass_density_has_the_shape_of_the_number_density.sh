#!/usr/bin/env bash
# qdiffusivity 0.2.1: the mass density profile of a liquid in a slit is the number density profile times the mean mass. A layer of
# heavy ions looks like a layer of water. And the diffusion coefficients from every fifth frame are five times too large.
#
# qdiffusivity computes profiles of density and diffusion for confined liquids, with MDAnalysis. Three places, without a message:
# 1. TransverseMassDensityQKDE (qdiffusivity/density.py): the documentation says "Each pooled sample is weighted by its topology
#    mass". But kde_1d() gets no masses. Its result, the number density, is multiplied by the total mass.
# 2. TransverseMassDensityQBinned (qdiffusivity/binned.py) with grouping="residues" has weights, but mixes them up. The positions
#    are frame after frame, so the masses must be np.tile(masses, frames). They are np.repeat(masses, frames), that is residue
#    after residue. All bins get masses of all residues. With grouping="atoms" it is right.
# 3. LocalDiffusivityQKDE and LocalDiffusivityQBinned take the time between frames of the trajectory, ts.dt. run(step=5) takes
#    every fifth frame, but they divide the squared displacements by the time of one. The documentation of `dt` says "Time step
#    between consecutive frames [...] If None (default) the trajectory's dt". One takes a longer time between frames to see if
#    the result depends on it: here it always does.
#
# Remedy: TransverseMassDensityQBinned with grouping="atoms", and dt=step * u.trajectory.dt.
#
# Seen with qdiffusivity 0.2.1, MDAnalysis 2.11.0, numpy 2.4.6: a layer of Cs+ and one of water should have 1.96 and 0.80 g/cm^3.
# TransverseMassDensityQKDE gives 0.41 and 1.19, TransverseMassDensityQBinned 0.46 and 1.18 by residues, and 2.12 and 0.80 by
# atoms. Walkers with D = 0.2 A^2/ps have 0.20 from every frame, 0.99 from every fifth one, and 0.20 from these with dt=5.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile qdiffusivity==0.2.1 MDAnalysis==2.11.0 numpy==2.4.6
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import MDAnalysis as mda
import numpy as np
import qdiffusivity as q

warnings.simplefilter("ignore")
rng = np.random.default_rng(2)
print("qdiffusivity", importlib.metadata.version("qdiffusivity"))
BOX, FRAMES = np.array([30.0, 30.0, 40.0]), 40  # A
LAYERS = {"Cs": (40, 132.905, 5.0, 10.0), "water": (480, 18.015, 12.0, 32.0)}  # number, mass, from, to


def universe(x, masses, step):
    made = mda.Universe.empty(len(masses), n_residues=len(masses), atom_resindex=np.arange(len(masses)), trajectory=True)
    made.add_TopologyAttr("masses", masses)
    dimensions = np.tile([*BOX, 90, 90, 90], (len(x), 1)).astype(np.float32)
    return made.load_new(x.astype(np.float32), order="fac", dimensions=dimensions, dt=step)


masses = np.concatenate([np.full(number, mass) for number, mass, _, _ in LAYERS.values()])
x = rng.random((FRAMES, len(masses), 3)) * BOX
begin = 0
for number, _, low, high in LAYERS.values():
    x[:, begin : begin + number, 2] = rng.uniform(low, high, (FRAMES, number))
    begin += number
u = universe(x, masses, 1.0)
right, numbers = {}, {}
for name, (number, mass, low, high) in LAYERS.items():
    numbers[name] = number / (BOX[0] * BOX[1] * (high - low))
    right[name] = numbers[name] * mass / 0.602214  # g/cm^3


def in_layers(z, density):
    z, density = np.asarray(z), np.asarray(density)
    return {name: density[(z > low + 1) & (z < high - 1)].mean() for name, (_, _, low, high) in LAYERS.items()}


found = {}
for kind, grouping in (("QKDE", "atoms"), ("QKDE", "residues"), ("QBinned", "atoms"), ("QBinned", "residues")):
    for what in ("Num", "Mass"):
        tool = getattr(q, f"Transverse{what}Density{kind}")
        more = {"bandwidth": 0.5} if kind == "QKDE" else {"bins": 60}
        result = tool(u.atoms, dim=2, z_bot=0, z_top=BOX[2], grouping=grouping, **more).run()
        z = result.z_eval if kind == "QKDE" else result.z_centers
        found[kind, grouping, what] = in_layers(z, result.density)
        expected = numbers if what == "Num" else right
        print(f"{what} density, {kind}, {grouping}:", end=" ")
        print(", ".join(f"{name} {value:.4f} (right: {expected[name]:.4f})" for name, value in found[kind, grouping, what].items()))

D, STEP = 0.2, 1.0  # A^2/ps, ps
steps = rng.normal(scale=np.sqrt(2 * D * STEP), size=(400, 200, 3))
walk = universe(rng.random((1, 200, 3)) * BOX + np.cumsum(steps, axis=0), np.full(200, 18.0), STEP)
diffusion = {}
for kind in ("QKDE", "QBinned"):
    tool = getattr(q, f"LocalDiffusivity{kind}")
    for stride, more in ((1, {}), (5, {}), (5, {"dt": 5 * STEP})):
        result = tool(walk.atoms, dim=2, **more).run(step=stride)
        diffusion[kind, stride, bool(more)] = np.nanmean(result.D_perp), np.nanmean(result.D_para)
        print(f"{kind}, every {stride}. frame{', dt given' if more else ''}:", end=" ")
        print("D_perp {:.3f}, D_para {:.3f} A^2/ps (right: {})".format(*diffusion[kind, stride, bool(more)], D))
heavy = {key: value["Cs"] / right["Cs"] for key, value in found.items() if key[2] == "Mass"}
shape = [found["QKDE", "atoms", "Mass"][name] / found["QKDE", "atoms", "Num"][name] for name in LAYERS]
facts = {
    "number densities are right": all(
        abs(value[name] / numbers[name] - 1) < 0.12 for key, value in found.items() if key[2] == "Num" for name in LAYERS
    ),
    "QKDE: the mass density is the number density times one mass": abs(shape[0] / shape[1] - 1) < 1e-6,
    "QKDE: the layer of ions has a quarter of its mass": max(heavy["QKDE", g, "Mass"] for g in ("atoms", "residues")) < 0.25,
    "QBinned, atoms: right": abs(heavy["QBinned", "atoms", "Mass"] - 1) < 0.12,
    "QBinned, residues: a quarter, too": heavy["QBinned", "residues", "Mass"] < 0.3,
    "diffusion, every frame: right": all(abs(d / D - 1) < 0.05 for key in diffusion if key[1] == 1 for d in diffusion[key]),
    "every fifth frame: five times too large": all(
        abs(d / D - 5) < 0.25 for key in diffusion if key[1] == 5 and not key[2] for d in diffusion[key]
    ),
    "every fifth frame, dt given: right": all(abs(d / D - 1) < 0.05 for key in diffusion if key[2] for d in diffusion[key]),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
