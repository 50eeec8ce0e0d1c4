#!/usr/bin/env bash
# lmp2gro 1.0.8: the force constants of UFF angles and impropers are wrong in the GROMACS files: angles of the style "fourier"
# are twice as stiff, impropers of this style 4.2 times, and angles of the style "cosine/periodic" are 3000 times too soft. Of
# these, those of a square planar metal get 135 degrees.
#
# lmp2gro converts LAMMPS data files to GROMACS topologies. It fits energies of LAMMPS (in kcal/mol) with the forms of GROMACS.
# Three places (data_colector.py and fit_equations.py), each without a message:
# 1. angles, fourier: it fits k/2 (cos(theta) - cos(theta0))^2, which is the form of GROMACS. Then it multiplies k by 2 once
#    more, as for a harmonic angle of LAMMPS, which has no 1/2.
# 2. impropers, fourier: the energies are converted to kJ/mol before the fit. The result is converted once more.
# 3. angles, cosine/periodic: it fits k (theta - theta0)^2 in degrees, and writes k for radians. And `-1**n` is -1 for all n in
#    Python, so that (-1)^n has the wrong sign for even n. A minimum becomes a maximum.
#
# Remedy: 1. halve k. 2. divide k by 4.184. 3. multiply k by (180/pi)^2, and give no angles with an even n.
#
# Seen with lmp2gro 1.0.8, numpy 2.4.6, scipy 1.17.1: a fourier angle that is exactly K 2 C2 (cos(theta) - cos(theta0))^2 should
# have k = 456 kJ/mol, and gets 912. A fourier improper of K = 6 kcal/mol should have 23.5 kJ/mol/rad^2 (by the same fit), and
# gets 98.4. A cosine/periodic angle with C = 100 kcal/mol, B = -1, n = 3 should have 837 kJ/mol/rad^2 at 120 degrees, and gets
# 0.21. One with B = 1, n = 4 has its minima at 90 and 180 degrees, its maximum at 135, and gets theta0 = 135.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 pandas==3.0.3 tqdm==4.67.1 lmp2gro==1.0.8
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import pathlib
import subprocess
import sys

import numpy as np

print("lmp2gro", importlib.metadata.version("lmp2gro"))
KJ = 4.184  # per kcal
HEAD = """test

4 atoms
3 bonds
{angles} angles
0 dihedrals
{impropers} impropers

2 atom types
1 bond types
{angle_types} angle types
0 dihedral types
{improper_types} improper types

0.0 30.0 xlo xhi
0.0 30.0 ylo yhi
0.0 30.0 zlo zhi

Masses

1 14.007
2 1.008

Pair Coeffs

1 0.069 3.26
2 0.044 2.57

Bond Coeffs

1 450.0 1.01

Angle Coeffs

{angle_coeffs}
{improper_coeffs}
Atoms

1 1 1 -0.9 10.0 10.0 10.0
2 1 2 0.3 11.0 10.0 10.2
3 1 2 0.3 9.5 10.9 10.2
4 1 2 0.3 9.5 9.1 10.2

Bonds

1 1 1 2
2 1 1 3
3 1 1 4

Angles

{angle_list}
{improper_list}"""


def convert(name, angle_coeffs, angle_list, improper=None):
    """The lines of ffbonded.itp, by section, for the data file with these angles."""
    text = HEAD.format(
        angles=len(angle_list),
        impropers=2 if improper else 0,
        angle_types=len(angle_coeffs),
        improper_types=1 if improper else 0,
        angle_coeffs="\n".join(f"{i + 1} {' '.join(map(str, row))}" for i, row in enumerate(angle_coeffs)) + "\n",
        improper_coeffs=f"Improper Coeffs\n\n1 {' '.join(map(str, improper))}\n" if improper else "",
        angle_list="\n".join(f"{i + 1} {' '.join(map(str, row))}" for i, row in enumerate(angle_list)) + "\n",
        improper_list="Impropers\n\n1 1 1 2 3 4\n2 1 1 3 4 2\n" if improper else "",
    )
    pathlib.Path(f"{name}.data").write_text(text)
    command = [sys.executable, "-m", "lmp2gro.lmp2gro", f"{name}.data", "--folder", name]
    subprocess.run(command, check=True, capture_output=True)
    sections = {}
    for line in (pathlib.Path(name) / "ffbonded.itp").read_text().splitlines():
        if line.startswith("["):
            sections[line.split()[1]] = current = []
        elif line.strip() and not line.startswith(";"):
            current.append(line.split())
    return sections


# 1. Fourier angles, 2. fourier impropers. For these C0 and C1, the angle has exactly the form of GROMACS.
K, THETA0, UMBRELLA = 100.0, np.radians(106.7), 6.0
C2 = 1 / (4 * np.sin(THETA0) ** 2)
fourier = [K, C2 * (2 * np.cos(THETA0) ** 2 + 1), -4 * C2 * np.cos(THETA0), C2]
out = convert("fourier", [fourier, fourier], [(1, 2, 1, 3), (2, 2, 1, 4)], (UMBRELLA, 1.0, -1.0, 0.0, 0))
_, _, _, func, theta0, k = out["angletypes"][0]
theta = np.radians(np.linspace(80, 130, 11))
in_lammps = KJ * K * (fourier[1] + fourier[2] * np.cos(theta) + fourier[3] * np.cos(2 * theta))
in_gromacs = 0.5 * float(k) * (np.cos(theta) - np.cos(np.radians(float(theta0)))) ** 2
far = abs(theta - THETA0) > 0.1
ratio = in_gromacs[far] / in_lammps[far]
right = f"{KJ * 4 * C2 * K:.1f} at {np.degrees(THETA0):.1f}"
print(f"fourier angle: function {func}, k = {k} at {theta0} degrees (right: {right})", end="")
print(f", energies GROMACS / LAMMPS {ratio.min():.3f} to {ratio.max():.3f}")
omega = np.radians(np.linspace(-60, 60, 333))
best = np.sum(omega**2 * KJ * UMBRELLA * (1 - np.cos(omega))) / np.sum(0.5 * omega**4)  # the least squares fit of k/2 omega^2
umbrella = float(out["dihedraltypes"][0][-1])
print(f"fourier improper: k = {umbrella:.2f} kJ/mol/rad^2 (right: {best:.2f})")

# 3. cosine/periodic: 2/n^2 C (1 - B (-1)^n cos(n theta)).
C = 100.0
out = convert("periodic", [(C, -1, 3), (C, 1, 4)], [(1, 2, 1, 3), (2, 2, 1, 4)])
(trigonal, k3), (planar, _) = [(float(row[-2]), float(row[-1])) for row in out["angletypes"][:2]]
right3 = 2 * C * KJ  # the second derivative at the minimum, 120 degrees
print(f"cosine/periodic, n = 3: k = {k3:.3f} kJ/mol/rad^2 at {trigonal:.0f} degrees (right: {right3:.0f})")
energy = {angle: float(2 / 16 * C * (1 - np.cos(np.radians(4 * angle)))) for angle in (90, 135, 180)}
print(f"cosine/periodic, n = 4: theta0 = {planar:.0f}. Energies of LAMMPS: {energy}")
facts = {
    "fourier angle: twice as stiff": func == "2" and np.allclose(ratio, 2, rtol=0.02),
    "fourier improper: 4.184 times": abs(umbrella / best / KJ - 1) < 0.02,
    "cosine/periodic: the unit is kJ/mol/degree^2": trigonal == 120 and 0.8 < k3 * np.degrees(1) ** 2 / right3 < 1,
    "n = 4: theta0 is the maximum": planar == 135 and energy[135] == max(energy.values()) > 10 > energy[90],
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
