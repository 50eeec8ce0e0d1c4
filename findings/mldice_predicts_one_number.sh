#!/usr/bin/env bash
# mldice 0.2.0: the neural networks predict the same diffusion coefficient for each element, each medium and each temperature.
#
# ML-DiCE predicts diffusion coefficients in metals and alloys from the elements and the temperature. DNN_pred() (predicting.py)
# scales the features for the neural network to a mean of 0 and a standard deviation of 1. It makes a new scaler for each
# prediction, and fits it to the one row of features of this prediction. The mean of one row is the row itself. So all features
# become 0, whatever they were, and the network gets 0 each time. There is no message.
#
# The networks are used with `-e DNN`. They are used for self-diffusion and impurities in alloys without it, too, because the
# program sends these to the network.
#
# Remedy: none, because the scaler of the training is not in the package. The random forests, for a pure metal, do not scale.
#
# Seen with mldice 0.2.0, scikit-learn 1.3.0, matminer 0.9.0: nickel in iron at 1200 K, nickel in iron at 600 K, and carbon in iron at
# 1200 K have 3.8736e-12 m^2/s. Iron in itself at 1200 K and copper in itself at 600 K have 2.0979e-17. Cobalt at 1200 K and
# nickel at 900 K, both in CoCrFeMnNi, have 2.8080e-17. This is what the networks have for zeros. For other input they have other
# output.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
# mldice asks for numpy 1.24.4 and scikit-learn 1.3.0. It does not ask for matminer, which it needs.
"$place/env/bin/python" -m pip install --quiet --no-compile --only-binary :all: setuptools==65.5.0 numpy==1.24.4 scipy==1.15.3 \
  pandas==1.5.3 scikit-learn==1.3.0 matplotlib==3.10.9 seaborn==0.13.2 mendeleev==0.15.0 pydantic==1.10.27 emmet-core==0.68.0 \
  mp-api==0.36.1 monty==2026.10.21 spglib==2.8.0 sympy==1.14.0 pymongo==4.20.1 pymatgen==2023.8.10
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps matminer==0.9.0 mldice==0.2.0
"$place/env/bin/python" -m pip install --quiet --no-compile future==1.0.0 jsonschema==4.26.0
mkdir "$place/work"
cd "$place/work"
cat > probe.py <<'PY'
import importlib.metadata
import pathlib
import pickle
import re
import subprocess
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
print("mldice", importlib.metadata.version("mldice"), "scikit-learn", importlib.metadata.version("scikit-learn"))
ALLOY = "Co20Cr20Fe20Mn20Ni20"
cases = {
    "IM_impurity": (
        ("Ni", "Fe100", 1200, "impurity", "DNN"),
        ("Ni", "Fe100", 600, "impurity", "DNN"),
        ("C", "Fe100", 1200, "impurity", "DNN"),
    ),
    "IM_self": (("Fe", "Fe100", 1200, "self", "DNN"), ("Cu", "Cu100", 600, "self", "DNN")),
    "MCA_self": (("Co", ALLOY, 1200, "self", "RF"), ("Ni", ALLOY, 900, "self", "RF")),
}
facts = {}
folder = pathlib.Path(importlib.metadata.distribution("mldice").locate_file("mldice/models/DNN"))
for name, inputs in cases.items():
    found = []
    for element, medium, temperature, mechanism, estimator in inputs:
        command = [sys.executable, "-W", "ignore", "-m", "mldice.main", "-de", element, "-dm", medium, "-t", str(temperature)]
        out = subprocess.run([*command, "-m", mechanism, "-e", estimator], capture_output=True, text=True).stdout
        found.append(float(re.search(r"is (\S+) m\^2/s", out).group(1)))
        print(f"{element} in {medium} at {temperature} K, {mechanism}, -e {estimator}: {found[-1]:.4e} m^2/s")
    with open(folder / name / "DNN_model", "rb") as file:
        network = pickle.load(file)
    size = network.n_features_in_
    zero, one = (float(np.exp(-network.predict(np.full((1, size), value)))[0]) for value in (0.0, 1.0))
    print(f"network {name}: {zero:.4e} for zeros, {one:.4e} for ones")
    facts[f"{name}: one number"] = len(set(found)) == 1
    facts[f"{name}: that for zeros"] = abs(found[0] / zero - 1) < 1e-3 and abs(np.log(one / zero)) > 0.1
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
../env/bin/python -W ignore probe.py
