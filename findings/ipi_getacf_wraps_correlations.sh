#!/usr/bin/env bash
# i-PI 3.3.1: i-pi-getacf correlates the end of each block with its beginning, as if time were periodic. With the default block
# length a correlation function is 10 to 20 % too small at its correlation time, and so is the diffusion coefficient. The value at
# time 0 is not <v^2>, it depends on the time between frames. The third column is not the error of the mean.
#
# i-pi-getacf reads velocities (or dipoles, or stresses) and gives an autocorrelation function, in atomic units, and its Fourier
# transform, each with an error. Its help says that --block_length is the number of frames that are read at once, by default twice
# the maximum lag. So one expects that it is a matter of memory. But compute_acf_xyz() (ipi/utils/tools/acf_xyz.py) transforms
# each block by rfft without zeros behind it. Then the value at lag k is (1 - k/N) C(k) + (k/N) C(N - k) for blocks of N frames:
# at half the maximum lag, only 3/4 of C(k) are left. Zeros (--length_zeropadding) come only after that, and don't help.
# Both functions contain the factor dt / 2 pi. This is right for the Fourier transform, but not for the function of time: the same
# velocities give twice the value if every second frame is read. Only a comment in the source tells of the factor.
# The errors are standard deviations of the blocks, not divided by the root of the number of blocks. They don't shrink with more data.
#
# Remedy: --block_length of at least 20 times the maximum lag; multiply the function of time by 2 pi / dt; divide the errors by
# the root of the number of blocks.
#
# Seen with i-PI 3.3.1, numpy 2.4.6: 8 atoms, velocities with <v^2> = 3 and a correlation time of 50 fs, 16000 frames of 1 fs.
# -mlag 250: C(50 fs)/C(0) is 0.330 instead of 0.368, and D is 11 % too small. -mlag 100: 0.291. C(0) is 19.6 with all frames, and
# 39.2 with every second one. Its error is said to be 2.6, and 2.2 for an eighth of the frames. It is 0.27, as 8 such parts show.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile ipi==3.3.1 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import numpy as np

FRAMES, PARTS, ATOMS, TAU = 16000, 8, 8, 50  # one frame is 1 fs
FS = 41.341374575751  # atomic units of time
rng = np.random.default_rng(0)
keep = np.exp(-1 / TAU)
v, velocities = rng.normal(size=(ATOMS, 3)), []
for _ in range(FRAMES):
    v = keep * v + np.sqrt(1 - keep**2) * rng.normal(size=(ATOMS, 3))
    velocities.append(v)
velocities = np.array(velocities)


def write(name, frames):
    with open(name, "w") as file:
        for number, frame in enumerate(frames):
            file.write(f"{ATOMS}\n# CELL(abcABC): 20 20 20 90 90 90 Step: {number} Bead: 0 ")
            file.write("velocities{atomic_unit} cell{atomic_unit}\n")
            file.writelines("O {:.5f} {:.5f} {:.5f}\n".format(*atom) for atom in frame)


def getacf(name, lag, step=1, more=()):
    command = [Path(sys.executable).with_name("i-pi-getacf"), "-ifile", name, "-mlag", lag, "-dt", f"{step} femtosecond"]
    subprocess.run([str(word) for word in (*command, "-oprefix", "found", *more)], check=True, stdout=subprocess.DEVNULL)
    return np.loadtxt("found_acf.data").T, np.loadtxt("found_facf.data").T


def right(frames, lag):
    """All pairs of frames with this distance, and none around the end."""
    return (frames[lag:] * frames[: len(frames) - lag]).sum(axis=2).mean()


print("i-PI", importlib.metadata.version("ipi"))
write("all.xyz", velocities)
write("second.xyz", velocities[::2])
write("part.xyz", velocities[: FRAMES // PARTS])
right_C = right(velocities, TAU) / right(velocities, 0)
right_D = (sum(right(velocities, lag) for lag in range(250)) - right(velocities, 0) / 2) / 3  # (unit of velocity)^2 fs
C, D, zero, error = {}, {}, {}, {}
for name, more in (("default", ()), ("long blocks", ("-bsize", 8000)), ("with zeros", ("-ftpad", 250))):
    acf, facf = getacf("all.xyz", 250, more=more)
    C[name] = acf[1][TAU] / acf[1][0]
    D[name] = np.pi * facf[1][0] / 3 / FS  # D = pi/3 times the value at frequency 0, which has 1 / 2 pi in it
    print(f"maximum lag 250 fs, {name}: C(50 fs)/C(0) = {C[name]:.3f}, D = {D[name]:.1f} (right: {right_C:.3f}, {right_D:.1f})")
acf, _ = getacf("all.xyz", 100)
C["short"] = acf[1][TAU] / acf[1][0]
print(f"maximum lag 100 fs: C(50 fs)/C(0) = {C['short']:.3f}")
for name, step in (("all.xyz", 1), ("second.xyz", 2), ("part.xyz", 1)):
    acf, _ = getacf(name, 100, step)
    zero[name], error[name] = acf[1][0], acf[2][0]
    print(f"{name}: C(0) = {zero[name]:.2f} +- {error[name]:.2f} (right: {right(velocities, 0):.2f})")
parts = np.split(velocities, PARTS)
spread = np.std([right(part, 0) for part in parts], ddof=1) * FS / 2 / np.pi
print(f"spread of C(0) of {PARTS} parts: {spread:.2f}, so the error of all is {spread / PARTS**0.5:.2f}")
facts = {
    "default: 8 % too small at the correlation time at least": C["default"] < 0.92 * right_C,
    "default: D is 8 % too small at least": D["default"] < 0.92 * right_D,
    "shorter lag: 15 % too small at least": C["short"] < 0.85 * right_C,
    "zeros don't help": bool(np.isclose(C["with zeros"], C["default"])),
    "long blocks: within 3 %": abs(C["long blocks"] / right_C - 1) < 0.03 and abs(D["long blocks"] / right_D - 1) < 0.03,
    "C(0) is <v^2> dt / 2 pi": bool(np.isclose(zero["all.xyz"], right(velocities, 0) * FS / 2 / np.pi, rtol=0.01)),
    "every second frame: twice as large": bool(np.isclose(zero["second.xyz"], 2 * zero["all.xyz"], rtol=0.02)),
    "8 times as many frames: the error stays": 0.7 < error["all.xyz"] / error["part.xyz"] < 1.4,
    "the error is 5 times too large at least": error["all.xyz"] > 5 * spread / PARTS**0.5,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
