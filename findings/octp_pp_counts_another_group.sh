#!/usr/bin/env bash
# octp-pp 0.2.6: the diffusion coefficient of H2 in water is hundreds of times too small, if there is a group H2O before the group
# H2. The number of molecules of a group is read from the wrong line. And min_displacement has no effect in metres, its documented
# unit.
#
# octp-pp evaluates the output of OCTP, a part for LAMMPS that computes transport coefficients of electrolytes.
# 1. OCTP writes sums over the molecules of a group. octp-pp divides by their number, which it reads from log.lammps by
#    read_group_count(). This takes the first line with "group H2" in it, and the number in the next line. A line "group H2O type
#    1 2" has "group H2" in it. So the group gets the number of an earlier group whose name begins with its own: H2 that of H2O, K
#    that of KOH, Na that of NaCl, O that of Ow. Self-diffusion coefficients are divided by it, molality and molarity are
#    multiplied by it, and so are the coordination numbers if it is the solvent. In conductivities it cancels. If H2 is defined
#    before H2O, all is right.
# 2. viscosity(), self_diffusivity(), onsager_coeff() and diff_calculator() have min_displacement, "minimum displacement threshold
#    (in meters)": the mean squared displacements below its square shall be ignored. But these are in A^2, and it is squared as it
#    is. With 3e-10 m, for 3 A, nothing is ignored, and the fit can be one of the motion in a cage.
# There is no message. print_per_run=True shows the diffusion coefficients, not the number of molecules.
#
# Remedy: names of groups of which none is the beginning of another one; min_displacement in A. The numbers are in `N_per_group`.
#
# Seen with octp-pp 0.2.6, numpy 2.4.6, scipy 1.17.1, pandas 3.1.1: 2 H2 in 555 H2O with 10 K and 10 OH. With H2 before H2O in the
# log file D(H2) is 5.00e-9 m^2/s. With H2O first it is 1.80e-11 m^2/s, and the molality of H2 becomes 55.5 instead of 0.2 mol/kg.
# A mean squared displacement that belongs to 6e-9 m^2/s within a cage of 0.5 A, and to 1e-9 m^2/s far away: with
# min_displacement=0 the fit is that of the cage, 6.0e-9 m^2/s, with 3e-10 also. With 3, which would be three metres, it is 1.0e-9
# m^2/s.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile octp-pp==0.2.6 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 plotly==7.1.0 \
  uncertainties==3.2.3
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import pathlib
import sys
import warnings

import numpy as np
import octp_pp

warnings.simplefilter("ignore")
GROUPS = {"H2O": (555, 2.3e-9), "K": (10, 2.0e-9), "OH": (10, 5.3e-9), "H2": (2, 5.0e-9)}  # number, m^2/s
UNIT = 1e-20 / 1e-15  # m^2/s per A^2/fs
time = np.unique(np.round(np.logspace(1, 7, 151)))  # fs


def write(name, order):
    """The files that octp-pp reads, with the groups in this order in the log file of LAMMPS."""
    run = pathlib.Path(name) / "run_1"
    run.mkdir(parents=True)
    lines = []
    for number, group in enumerate(order, 1):
        lines += [f"group {group} type {number}", f"{GROUPS[group][0]} atoms in group {group}"]
    (run / "log.lammps").write_text("LAMMPS (22 Jul 2025)\n" + "\n".join(lines) + "\n")
    (run / "volume.dat").write_text("# Time-averaged data for fix volume\n# TimeStep v_Volume\n1000000 17000.0\n")
    (run / "nvt_prod.dat").write_text("# Time-averaged data for fix nvt\n# TimeStep c_T c_P\n0 298.15 1.0\n1000000 298.15 1.0\n")
    columns = [n * D / UNIT * time for n, D in GROUPS.values()]  # the slope is D: the sum of the squares, divided by 6
    header = "#NOTE: MSDs\n#Time " + " ".join("MSD__" + group for group in GROUPS)
    np.savetxt(run / "selfdiffusivity.dat", np.column_stack([time, *columns]), header=header, comments="")
    mixture = octp_pp.PP_OCTP(name, ["run_1"], groups=list(GROUPS))
    mixture.self_diffusivity()
    mixture.molality("H2", "H2O", 18.01528)
    D = {group: mixture.results[f"Self diffusivity {group}/[m^2/s]"][0] for group in GROUPS}
    return dict(zip(GROUPS, mixture.N_per_group, strict=True)), D, mixture.results["Molality H2/[mol/kg]"][0], mixture


print("octp-pp", importlib.metadata.version("octp-pp"))
found = {}
for name, order in {"H2 first": ["H2", "H2O", "K", "OH"], "H2O first": ["H2O", "K", "OH", "H2"]}.items():
    found[name] = counts, D, molality, mixture = write(name, order)
    print(f"{name}: number of H2 {counts['H2']:.0f} (right: 2), D(H2) {D['H2']:.3e} m^2/s (right: 5e-9), molality {molality:.2f} mol/kg")
right = 2 / 555 / 0.01801528
print(f"molality, right: {right:.2f} mol/kg; D of the others: " + ", ".join(f"{group} {D[group]:.2e}" for group in ("H2O", "K", "OH")))

fast, slow, cage = 5e-9 / UNIT, 1e-9 / UNIT, 0.5**2  # A^2/fs, A^2
rng = np.random.default_rng(0)
msd = np.minimum(fast * time, cage) + slow * time
msd = np.where(msd > 9, msd * np.exp(0.01 * rng.normal(size=len(time))), msd)  # some noise at long times
fits = {}
for threshold in (0.0, 3e-10, 3.0):
    slope, times, _ = mixture.diff_calculator(time, msd, min_displacement=threshold)
    fits[threshold] = slope * UNIT, np.interp(times[0], time, msd)
    print(f"min_displacement={threshold}: D {slope * UNIT:.2e} m^2/s, fitted from {times[0]:.0f} fs, {fits[threshold][1]:.2g} A^2, on")
facts = {
    "H2 before H2O: all is right": bool(
        np.isclose(found["H2 first"][1]["H2"], 5e-9, rtol=1e-3) and np.isclose(found["H2 first"][2], right)
    ),
    "H2O before H2: H2 has the number of H2O": found["H2O first"][0]["H2"] == 555,
    "and its D is 277 times too small": bool(np.isclose(found["H2O first"][1]["H2"], 5e-9 * 2 / 555, rtol=1e-3)),
    "3e-10 m, as documented, has no effect": fits[3e-10] == fits[0.0],
    "3, for A, has": fits[3.0][1] > 8.5 > 0.3 > fits[0.0][1],
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
