#!/usr/bin/env bash
# dynamispectra 1.1.0: of the secondary structure that GROMACS writes, the loops are lost. And of several replicas of a simulation,
# only the first one counts.
#
# dynamispectra evaluates files of GROMACS. Two places, each without a message:
# 1. `gmx dssp` writes one letter for each residue, and "~" for a loop (https://manual.gromacs.org). ss_analysis()
#    (SecondaryStructure.py) and fractions_ss_analysis() (FractionSS.py) count "C" as "Loop/Coil", which GROMACS does not write.
#    "~" is "Unknown / missing data". The fraction of loops is always 0. The other fractions do not add up to 1.
# 2. ss_analysis() takes a list of files for each simulation. Its help calls them replicates. It reads them all, and then uses the
#    first one. A comment inside the function says so, and the help does not. The other functions, for example for hydrogen bonds,
#    take the mean of all files.
#
# Remedy: 1. replace "~" by "C" in the files. 2. append the files to one.
#
# Seen with dynamispectra 1.1.0, pandas 3.1.1: 20 residues, of which 8 are in loops, and 12 in a helix. Both functions have 0 for the
# loops, and 0.6 for the helix. Two replicas, with 12 and with 2 residues in a helix, give 60 %. The mean is 35 %.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 matplotlib==3.11.2 \
  openpyxl==3.1.5
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps dynamispectra==1.1.0
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from dynamispectra import SecondaryStructure, fractions_ss_analysis, ss_analysis  # noqa: E402

print("dynamispectra", importlib.metadata.version("dynamispectra"))
FRAMES = 10
pathlib.Path("one.dat").write_text(("~~~~" + 12 * "H" + "~~~~\n") * FRAMES)
pathlib.Path("two.dat").write_text((9 * "~" + 2 * "H" + 9 * "~" + "\n") * FRAMES)
drawn = []
original = SecondaryStructure.plot_ss_boxplot
SecondaryStructure.plot_ss_boxplot = lambda fractions, *rest, **options: drawn.extend(fractions)  # what it would draw
with contextlib.redirect_stdout(io.StringIO()):
    ss_analysis("out", ["one.dat", "two.dat"])
    fractions_ss_analysis("one.dat", "out")
    parts = SecondaryStructure.calculate_probabilities(SecondaryStructure.read_ss("one.dat"))
SecondaryStructure.plot_ss_boxplot = original
table = pd.read_excel("out/secondary_structure_fractions.xlsx")
helix, loop = (float(np.mean(parts[name])) for name in ("α-Helix", "Loop/Coil"))
print(f"ss_analysis: helix {helix:.2f}, loop {loop:.2f} (right: 0.60, 0.40)")
print(f"fractions_ss_analysis: helix {table['Helix Fraction'].mean():.2f}, coil {table['Coil Fraction'].mean():.2f}")
(both,) = drawn
frames, replicas = len(both["α-Helix"]), float(np.mean(both["α-Helix"]))
print(f"two replicas: helix {replicas:.2f} (right: {(12 + 2) / 40:.2f}), {frames} frames of {2 * FRAMES}")
facts = {
    "no loops": loop == 0 and abs(helix - 0.6) < 1e-9 and table["Coil Fraction"].abs().max() == 0,
    "the fractions add up to less than 1": abs(sum(float(np.mean(part)) for part in parts.values()) - 0.6) < 1e-9,
    "only the first replica": frames == FRAMES and abs(replicas - 0.6) < 1e-9,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
