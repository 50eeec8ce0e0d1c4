#!/usr/bin/env bash
# sevenn 0.13.0 (SevenNet): energy_key, force_key and stress_key of a file in a `file_list` have no effect. The training takes
# what stands under `energy`, `forces` and `stress` instead, which may be of another method.
#
# load_trainset_path in input.yaml takes names of files, or, for data weights and for training on several levels of theory, a
# mapping with a `file_list`. The keys of an entry of the list go to the reader (dict_reader and ase_reader in
# sevenn/train/dataload.py), whose docstring says that the labels come from energy_key, force_key and stress_key in eV and A.
# ase_reader() does that. But dict_reader() ends with `return _set_atoms_y(ret)` for all files, without keys: this takes the
# labels a second time, from the calculator that ASE makes of `energy`, `forces` and `stress`, and writes over those of the keys.
# For the plain name of a file, with the same keys in data_format_args, the labels are right. (In a `file_list`, only the
# entries can have keys: with data_format_args there is an error.)
#
# If the file has no `energy`, there is the error "Unlabeled E or F found". If it has one, there is no message: energies of the
# cheap method with which the structures were sampled, labels of an older functional, or in multi-fidelity training one and the
# same label for both levels of theory, for which the file has two keys. The training then goes well, to the wrong surface.
# Remedy: rename the labels in the file to energy, forces and stress; or `sevenn graph_build --kwargs energy_key=REF_energy ...`
# and its .pt file in the list.
#
# Seen with sevenn 0.13.0, ase 3.29.0, torch 2.13.0, numpy 2.4.6: a file of 5 frames has energy (0 to -4 eV, forces 0.01 eV/A) and
# REF_energy (-100 to -104 eV, forces 0.5 eV/A). With the plain name and the keys the mean energy per atom of the training set is
# -20.4 eV, and with the same keys in a file_list -0.4 eV. The forces and the stress are those of the wrong method, too.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile sevenn==0.13.0 torch==2.13.0 ase==3.29.0 numpy==2.4.6
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import sys
import warnings

import ase.io
import numpy as np
import sevenn._keys
import yaml
from ase import Atoms
from sevenn.parse_input import read_config_yaml
from sevenn.train.graph_dataset import from_config

FRAMES, ATOMS = 5, 5
KEYS = {"energy_key": "REF_energy", "force_key": "REF_forces", "stress_key": "REF_stress"}
rng = np.random.default_rng(0)
frames = []
for number in range(FRAMES):
    atoms = Atoms("KOH2O", rng.random((ATOMS, 3)) * 6, cell=[8] * 3, pbc=True)
    atoms.info = {
        "energy": -1.0 * number,
        "stress": np.zeros(9),
        "REF_energy": -100.0 - number,
        "REF_stress": np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06]),
    }
    atoms.set_array("forces", np.full((ATOMS, 3), 0.01))
    atoms.set_array("REF_forces", np.full((ATOMS, 3), 0.5))
    frames.append(atoms)
ase.io.write("train.xyz", frames, format="extxyz")

messages = []


def training_set(name, **data):
    """What the training takes by an input.yaml with this `data`: energies, force, stress, mean energy per atom."""
    settings = {"model": {"chemical_species": "auto", "cutoff": 4.0}, "train": {}, "data": {"batch_size": 1, **data}}
    with open(f"{name}.yaml", "w") as file:
        yaml.safe_dump(settings, file)
    with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("always")
        model, train, data = read_config_yaml(f"{name}.yaml")
        found = from_config({**model, **train, **data}, working_dir=name)["trainset"]
    messages.extend(str(message.message) for message in caught if "sevenn" in message.filename)
    energies = [float(graph[sevenn._keys.ENERGY]) for graph in found]
    force = float(found[0][sevenn._keys.FORCE][0, 0])
    stress = found[0][sevenn._keys.STRESS].numpy().ravel()
    print(
        f"{name}: energies {energies} eV, force {force:.2f} eV/A, stress {stress.round(3)} eV/A^3, "
        f"mean energy per atom {found.per_atom_energy_mean:.2f} eV"
    )
    return energies, force, stress, found.per_atom_energy_mean


print("sevenn", importlib.metadata.version("sevenn"))
plain = training_set("plain", load_trainset_path=["train.xyz"], data_format_args=KEYS)
listed = training_set("listed", load_trainset_path=[{"file_list": [{"file": "train.xyz", **KEYS}]}])
facts = {
    "plain name: the labels of the keys": plain[0] == [-100.0 - number for number in range(FRAMES)]
    and plain[1] == 0.5
    and bool(np.any(plain[2])),
    "file_list: the energies of `energy`": listed[0] == [-1.0 * number for number in range(FRAMES)],
    "file_list: the forces and the stress of the same method": abs(listed[1] - 0.01) < 1e-6 and not np.any(listed[2]),
    "the mean energy per atom follows": bool(np.isclose(plain[3], -20.4) and np.isclose(listed[3], -0.4)),
    "no message": not messages,
}
for message in messages:
    print(message)
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
CUDA_VISIBLE_DEVICES="" env/bin/python probe.py
