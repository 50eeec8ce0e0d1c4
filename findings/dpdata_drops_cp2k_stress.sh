#!/usr/bin/env bash
# dpdata 1.1.0 reads an output of CP2K 2025.1, with energy and forces, and drops its stress.
#
# CP2K prints the stress since release 8 as "STRESS| Analytical stress tensor [unit]" (2023.1: GPa;
# 2025.1: bar). dpdata's reader cp2k/output reads the forces and the energy of CP2K 2025, but only looks
# for the old heading "STRESS TENSOR [GPa". There is no message: the system has no virials, and a training set
# for NPT then consists of frames without them.
#
# Seen with dpdata 1.1.0, numpy 2.4.6: 1 frame, 3 atoms, with forces, "virials" missing, no warning.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet dpdata==1.1.0 numpy==2.4.6
cat > "$place/water.out" <<'OUT'
 DBCSR| CPU Multiplication driver                                           BLAS (U)
 CP2K| version string:                                       CP2K version 2025.1
 CELL| Vector a [angstrom]:       6.000     0.000     0.000   |a| =     6.000000
 CELL| Vector b [angstrom]:       0.000     6.000     0.000   |b| =     6.000000
 CELL| Vector c [angstrom]:       0.000     0.000     6.000   |c| =     6.000000
  1. Atomic kind: O                                     Number of atoms:       1
  2. Atomic kind: H                                     Number of atoms:       2

 MODULE QUICKSTEP: ATOMIC COORDINATES IN ANGSTROM

   Atom Kind Element         X             Y             Z       Z(eff)     Mass
      1    1 O     8      0.000000      0.000000      0.000000   6.0000  15.9994
      2    2 H     1      0.960000      0.000000      0.000000   1.0000   1.0079
      3    2 H     1     -0.240000      0.930000      0.000000   1.0000   1.0079

  *** SCF run converged in    20 steps ***

 ENERGY| Total FORCE_EVAL ( QS ) energy [hartree]            -17.124827767488846

 FORCES| Atomic forces [hartree/bohr]
 FORCES|   Atom     x               y               z               |f|
 FORCES|      1 -1.06686964E-02 -1.50564678E-02  9.29980580E-10   1.84531381E-02
 FORCES|      2  8.61051107E-02 -7.66590977E-03 -3.74532750E-09   8.64456838E-02
 FORCES|      3 -2.86442339E-02  8.10261720E-02  4.53820194E-09   8.59402856E-02
 FORCES| Sum     4.67921804E-02  5.83037944E-02  1.72285502E-09
 FORCES| Total atomic force                                       7.47585486E-02

 STRESS| Analytical stress tensor [bar]
 STRESS|                        x                   y                   z
 STRESS|      x        3.43572438677E+04  -1.00652900265E+04  -8.62334957385E-04
 STRESS|      y       -1.00652900265E+04   2.86574701698E+04   8.13688084106E-04
 STRESS|      z       -8.62334957385E-04   8.13688084106E-04  -1.84832963166E+03
 STRESS| 1/3 Trace                                             2.03887948019E+04

  **** **** ******  **  PROGRAM ENDED AT                 2026-11-28 03:47:04.479
OUT
cd "$place"
env/bin/python - <<'PY'
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import dpdata
    system = dpdata.LabeledSystem("water.out", fmt="cp2k/output")
data = system.data
print("frames", len(system), "forces", data["forces"].shape, "virials", "virials" in data)
told = [str(w.message) for w in caught if "stress" in str(w.message).lower() or "virial" in str(w.message).lower()]
assert len(system) == 1 and data["forces"].shape == (1, 3, 3), "energy and forces are read"
assert abs(data["forces"][0, 1, 0] - 0.0861051107 * 51.42206) < 1e-3, "the forces are right"
assert "virials" not in data and not told, "dpdata reads the stress of CP2K 2025 now, or says that it does not"
print("dpdata 1.1.0: the stress of a CP2K 2025 output is dropped without a word")
PY
