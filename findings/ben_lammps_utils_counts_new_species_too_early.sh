#!/usr/bin/env bash
# ben-lammps-utils 0.9.0: the first count of a new species in a ReaxFF run stands one record too early, and where it should be is
# a zero. `convert_all_to_csv` overwrites the files of LAMMPS, and a csv file that the package wrote is read as an empty table.
#
# The package reads the species files that LAMMPS writes with `fix reaxff/species`. Each record has a line with the names of the
# species, and a line with their counts. Three places, each without a message:
# 1. read_species_out() (read_lammps_out.py) makes a list of counts for each species. For one that appears later, it writes zeros
#    for the records before. It writes one zero too few, then the count, and then a zero for the record in which the count is. The
#    later counts are right. So each reaction begins one record too early, and each new species seems to vanish at once.
# 2. convert_all_to_csv() (convert_to_csv.py) says that it creates csv files of the same name. It ends the names of the new files
#    with "out". So species.out is overwritten with the csv table, and the counts of LAMMPS are lost.
# 3. read_in_data() (species_quick_plots.py) reads a csv file. After it, it reads the same file as a species file, in which it
#    finds nothing, and returns this.
#
# Remedy: 1. read the two lines of a record into a dictionary, make a pandas.DataFrame of the list of dictionaries, and replace
# the missing values by 0. 2. use convert_to_csv() for each file. 3. use pandas.read_csv().
#
# Seen with ben-lammps-utils 0.9.0, pandas 3.1.1: of H2O there are 4, 3, 3, 2, of OH 0, 1, 1, 0, and of H3O 0, 0, 0, 1. The table
# has OH 1, 0, 1, 0, and H3O 0, 0, 1, 0. In record 3 there is one H2 in truth and in the table. The atoms are not conserved.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 pandas==3.1.1 matplotlib==3.11.2 tqdm==4.70.1
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps ben-lammps-utils==0.9.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import ben_lammps_utils as tools  # noqa: E402

print("ben-lammps-utils", importlib.metadata.version("ben-lammps-utils"))
truth = {"H2O": [4, 3, 3, 2], "OH": [0, 1, 1, 0], "H2": [0, 0, 1, 1], "H3O": [0, 0, 0, 1]}
lines = []
for record in range(4):
    present = [name for name in truth if truth[name][record]]
    total = sum(truth[name][record] for name in present)
    lines.append("# Timestep    No_Moles    No_Specs    " + "    ".join(present))
    values = [record * 100, total, len(present)] + [truth[name][record] for name in present]
    lines.append("    ".join(str(value) for value in values))
pathlib.Path("species.out").write_text("\n".join(lines) + "\n")
print("\n".join(lines))
table = tools.read_species_out("species.out")
found = {name: [int(n) for n in table[name]] for name in truth}
for name in truth:
    print(f"{name}: {found[name]} (right: {truth[name]})")
tools.convert_to_csv("species.out", "table.csv")
again = tools.read_in_data("table.csv")
print(f"{len(table)} records written as csv, {len(again)} read")
tools.convert_all_to_csv("*.out")
kept = pathlib.Path("species.out").read_text().splitlines()
print(f"species.out after convert_all_to_csv: {kept[0]!r}, files: {sorted(p.name for p in pathlib.Path().glob('*.*'))}")


def shifted(counts):
    """What the table makes of the counts: the first one other than 0 is moved to the record before."""
    first = next(i for i, count in enumerate(counts) if count)
    moved = list(counts)
    if first:
        moved[first - 1], moved[first] = counts[first], 0
    return moved


facts = {
    "new species one record too early": all(found[name] == shifted(truth[name]) for name in truth),
    "this is wrong": found["OH"] != truth["OH"] and found["H3O"] != truth["H3O"],
    "the csv file is read as an empty table": len(table) == 4 and len(again) == 0,
    "the file of LAMMPS is overwritten": kept[0].startswith("Timestep,") and not pathlib.Path("species.csv").exists(),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
