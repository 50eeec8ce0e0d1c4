#!/usr/bin/env bash
# vasprun-xml 1.0.4 exports a POSCAR in which atoms have other elements, and a KPOINTS file that calls fractional coordinates
# Cartesian.
#
# The package reads vasprun.xml of VASP, and writes the final structure as a POSCAR. In a POSCAR the elements may come in any order
# and more than once: "O H O H" with the numbers "1 2 1 2" is valid, and ASE writes it in this way for molecules. export_poscar()
# in vasprun/__init__.py writes the positions in the order of the file. But for the line of the elements it takes the
# composition, in which each element is counted once: "O H" with "2 4". So the second atom, a hydrogen, becomes an oxygen, and a
# later oxygen a hydrogen. The numbers of the elements are right. Only if the atoms are sorted by elements, the file is right.
#
# export_kpoints() writes the list of k-points. In vasprun.xml these are fractions of the reciprocal lattice. The third line of the
# file is "Cartesian". VASP then takes them for multiples of 2 pi / A. For a cell of 8 A, the point 0.5 at the edge of the zone
# lies 8 times as far away, and is another point. There is no message in both cases.
#
# Remedy: ase.io.read and write; replace "Cartesian" by "Reciprocal".
#
# Seen with vasprun-xml 1.0.4, ase 3.29.0, numpy 2.4.6: two water molecules, O H H O H H. The exported POSCAR has two oxygens 0.96
# A apart instead of 5.83 A, and a hydrogen in the place of the second oxygen. The same atoms sorted, O O H H H H, come back
# right. The k-point (0.5, 0.5, 0.5) of a cell of 8 A is exported as a Cartesian one.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile vasprun-xml==1.0.4 ase==3.29.0 numpy==2.4.6 scipy==1.17.1 \
  pandas==2.3.3 matplotlib==3.10.8 lxml==6.0.2
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write
from vasprun import vasprun

EDGE = 8.0  # A
print("vasprun-xml", importlib.metadata.version("vasprun-xml"), "ase", importlib.metadata.version("ase"), "numpy", np.__version__)
WATER = np.array([[0, 0, 0], [0.757, 0.586, 0], [-0.757, 0.586, 0]])
molecules = Atoms("OHHOHH", np.concatenate([WATER + 2, WATER + [5, 5, 6]]), cell=[EDGE] * 3, pbc=True)
KPOINTS = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]


def rows(name, values):
    return f'<varray name="{name}">' + "".join("<v>" + " ".join(f"{x:.8f}" for x in v) + "</v>" for v in values) + "</varray>"


def vasprun_xml(atoms, name):
    """The parts of a vasprun.xml that the package needs, as VASP writes them."""
    elements = atoms.get_chemical_symbols()
    kinds = [k for k in range(len(elements)) if k == 0 or elements[k] != elements[k - 1]]  # where a group begins
    kind = np.cumsum([k in kinds for k in range(len(elements))])
    each = "".join(f"<rc><c>{e} </c><c>{i}</c></rc>" for e, i in zip(elements, kind))
    data = {"O": ("15.999", "6", "PAW_PBE O 08Apr2002"), "H": ("1.008", "1", "PAW_PBE H 15Jun2001")}
    types = "".join(
        f"<rc><c>{(kind == kind[k]).sum()}</c><c>{elements[k]} </c>" + "".join(f"<c>{x}</c>" for x in data[elements[k]]) + "</rc>"
        for k in kinds
    )
    bands = "".join("<r>%.4f %.4f</r>" % (-10 + 2 * b + (5 if b > 7 else 0), b < 8) for b in range(10))
    points = "".join(f'<set comment="kpoint {k + 1}">{bands}</set>' for k in range(len(KPOINTS)))
    structure = f"<crystal>{rows('basis', atoms.cell)}{rows('rec_basis', atoms.cell.reciprocal())}</crystal>"
    structure += rows("positions", atoms.get_scaled_positions())
    Path(name).write_text(
        '<?xml version="1.0" encoding="ISO-8859-1"?><modeling><incar><i type="int" name="NELM">60</i></incar>'
        f"<kpoints>{rows('kpointlist', KPOINTS)}{rows('weights', [[0.5], [0.5]])}</kpoints>"
        '<parameters><separator name="electronic"><i name="NELECT">16.0</i>'
        '<separator name="electronic convergence"><i type="int" name="NELM">60</i></separator>'
        '<separator name="electronic spin"><i type="int" name="ISPIN">1</i><i type="logical" name="LNONCOLLINEAR">F</i>'
        '<i type="logical" name="LSORBIT">F</i></separator></separator></parameters>'
        f'<atominfo><array name="atoms"><set>{each}</set></array><array name="atomtypes"><set>{types}</set></array></atominfo>'
        '<calculation><scstep><energy><i name="e_fr_energy">-28.5</i></energy></scstep>'
        '<energy><i name="e_fr_energy">-28.5</i></energy>'
        f'<eigenvalues><array><set><set comment="spin 1">{points}</set></set></array></eigenvalues>'
        '<dos><i name="efermi">5.0</i><total><array><set><set comment="spin 1"><r>0 0 0</r></set></set></array></total></dos>'
        f'</calculation><structure name="finalpos">{structure}</structure></modeling>'
    )
    return vasprun(name)


def exported(atoms, name):
    found = vasprun_xml(atoms, f"{name}.xml")
    found.export_poscar(f"{name}.POSCAR")
    return found, read(f"{name}.POSCAR", format="vasp")


found, back = exported(molecules, "molecules")
write("ase.POSCAR", molecules, format="vasp")
by_ase = read("ase.POSCAR", format="vasp")
ordered = molecules[[0, 3, 1, 2, 4, 5]]
_, back_ordered = exported(ordered, "ordered")
print("elements:", molecules.get_chemical_symbols(), "names in the file:", found.values["name_array"])
print("POSCAR of vasprun-xml:", Path("molecules.POSCAR").read_text().splitlines()[5:7], back.get_chemical_symbols())
print("POSCAR of ASE:", Path("ase.POSCAR").read_text().splitlines()[5:7], by_ase.get_chemical_symbols())
oxygens = [k for k, e in enumerate(back.get_chemical_symbols()) if e == "O"]
distance = back.get_distance(*oxygens, mic=True)
print(f"the two oxygens: {distance:.2f} A apart instead of {molecules.get_distance(0, 3, mic=True):.2f} A")
found.export_kpoints("KPOINTS")
lines = Path("KPOINTS").read_text().splitlines()
print("KPOINTS:", lines)
facts = {
    "the elements are read in the right order": found.values["name_array"] == molecules.get_chemical_symbols(),
    "the exported positions are right": bool(np.allclose(back.positions, molecules.positions, atol=1e-4)),
    "two of their elements are wrong": sum(a != b for a, b in zip(back.symbols, molecules.symbols)) == 2,
    "the two oxygens are 0.96 A apart": abs(distance - 0.957) < 0.01,
    "ASE writes and reads them right": list(by_ase.symbols) == list(molecules.symbols),
    "sorted atoms are exported right": list(back_ordered.symbols) == list(ordered.symbols),
    "k-points in fractions are called Cartesian": lines[2] == "Cartesian" and lines[4].split()[:3] == ["0.5000"] * 3,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
