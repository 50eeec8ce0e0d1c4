#!/usr/bin/env bash
# mdgo 0.2.4: the mean squared displacement of ions while they are attached to a counter-ion contains the time during which they
# are free. Ions that do not move at all while attached get half of the diffusion coefficient of the free ones.
#
# partial_msd(), behind MdRun.get_msd_partial(), should give two curves: one of the time in which an ion has a counter-ion (or a
# solvent) within `distance`, and one of the time in which it has none. states_coord_array() (mdgo/msd.py) cuts the path of each
# ion into pieces for that; its docstring says that each piece is in one state. It keeps the state of the last frame, 1 or 0,
# and asks for it with `if prev_state:`, as if 0 meant "no frame yet". So it never notices that an ion gets attached. The free
# time goes on as a piece that is attached, and ends only when the ion is free the next time. No piece is free, except for one at
# the very end of the path. There is no message. The curve looks normal: it is straight, and has a slope.
#
# So the comparison that it was made for, of vehicular motion and free motion, comes out wrong, and the free curve comes from a
# small part of the data. Remedy: cut the path yourself.
#
# Seen with mdgo 0.2.4, MDAnalysis 2.11.0, numpy 2.4.6: 40 cations, 400 frames, free or attached for 15 to 39 frames each time.
# They diffuse while free (0.125 A^2 per frame), and only rattle while attached. The attached curve should be 0.015 A^2 at all
# times. mdgo gives 0.39 after 1 frame and 7.8 after 19, a diffusion coefficient of 0.070 A^2 per frame (right: 0.000). An ion with
# the states 1111 0000 1111 0000 1111 gives no free piece, and three attached ones of 4, 9 and 9 frames instead of 4, 5 and 5.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile mdgo==0.2.4 MDAnalysis==2.11.0 numpy==2.4.6 scipy==1.17.1 \
  pandas==3.1.1 pymatgen==2026.10.24 pymatgen-core==2026.10.16 statsmodels==0.15.0 tqdm==4.70.1 ipywidgets==8.1.9
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import MDAnalysis
import numpy as np
from mdgo.msd import partial_msd, states_coord_array

warnings.simplefilter("ignore")  # about the empty universe
IONS, FRAMES, LAGS, STEP, RATTLE = 40, 400, 20, 0.5, 0.05  # A
SELECT = {"cation": "type K", "anion": "type Cl"}
rng = np.random.default_rng(0)


def path(states):
    """A cation that diffuses while it is free (0), and rattles beside a resting anion while it is attached (1)."""
    place, cation, anion = np.zeros(3), [], []
    for attached in states:
        if attached:
            cation.append(place + RATTLE * rng.normal(size=3))
            anion.append(place + [2.0, 0, 0])
        else:
            place = place + STEP * rng.normal(size=3)
            cation.append(place)
            anion.append(place + [40.0, 0, 0])
    return np.array(cation), np.array(anion)


def universe(paths):
    """All cations, then all anions. The pairs are too far from each other to meet."""
    x = np.array([cation for cation, _ in paths] + [anion for _, anion in paths]).swapaxes(0, 1)
    x[:, :, 1] += np.tile(np.arange(len(paths)) * 1000.0, 2)
    made = MDAnalysis.Universe.empty(x.shape[1], trajectory=True)
    made.add_TopologyAttr("type", ["K"] * len(paths) + ["Cl"] * len(paths))
    made.add_TopologyAttr("ids", np.arange(x.shape[1]) + 1)
    return made.load_new(x.astype(np.float32), order="fac")


def right(paths, all_states, state):
    """The mean squared displacement over times in which the state never changes."""
    squares = [[] for _ in range(LAGS - 1)]
    for (x, _), states in zip(paths, all_states, strict=True):
        for lag in range(1, LAGS):
            same = [bool(np.all(states[t : t + lag + 1] == state)) for t in range(FRAMES - lag)]
            squares[lag - 1].extend(((x[lag:] - x[:-lag]) ** 2).sum(axis=1)[same])
    return np.array([np.mean(values) for values in squares])


def slope(msd):
    return np.polyfit(np.arange(1, LAGS)[4:], msd[4:], 1)[0] / 6


print("mdgo", importlib.metadata.version("mdgo"))
one = np.repeat([1, 0, 1, 0, 1], 4)
made = universe([path(one)])
attached, free = states_coord_array(made, made.atoms[0], SELECT, 3.5, 0, len(one))
pieces = [len(piece) for piece in attached], [len(piece) for piece in free]
print(f"1111 0000 1111 0000 1111: attached pieces of {pieces[0]} frames, free pieces of {pieces[1]} frames")

all_states = []
for _ in range(IONS):
    first = rng.integers(2)
    lengths = rng.integers(15, 40, size=FRAMES // 15 + 1)
    all_states.append(np.repeat((np.arange(len(lengths)) + first) % 2, lengths)[:FRAMES])
paths = [path(states) for states in all_states]
made = universe(paths)
free, attached = partial_msd(made, made.select_atoms("type K"), LAGS, SELECT, 3.5, 0, FRAMES)
expected = {state: right(paths, all_states, state) for state in (0, 1)}
for name, found, state in (("attached", attached, 1), ("free", free, 0)):
    print(
        f"{name}: {found[0]:.3f} A^2 after 1 frame, {found[LAGS - 2]:.3f} after {LAGS - 1}, D {slope(found[: LAGS - 1]):.3f} "
        f"(right: {expected[state][0]:.3f}, {expected[state][-1]:.3f}, D {slope(expected[state]):.3f})"
    )
D, right_D = slope(attached[: LAGS - 1]), {state: slope(expected[state]) for state in expected}
facts = {
    "right curves: free ions diffuse, attached ones do not": right_D[0] > 0.1 and abs(right_D[1]) < 0.001,
    "one ion: no free piece": not pieces[1],
    "one ion: attached pieces with the free frames before them": pieces[0] == [4, 9, 9],
    "attached: 20 times too large after 1 frame": attached[0] > 20 * expected[1][0],
    "attached: at least a third of the diffusion coefficient of free ions": D > right_D[0] / 3,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
