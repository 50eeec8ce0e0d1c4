#!/usr/bin/env bash
# impedance 1.7.1 (impedance.py): the inductance of the element La is inside the power, other than the documentation says, so a fit
# gives another inductance. And the errors of parameters from the global fit (global_opt=True) are meaningless.
#
# 1. The docstring of the element La (modified inductance, with EC-Lab's application note 42) gives Z = L (j omega)^alpha, and so does
#    EC-Lab. La() in models/circuits/elements.py raises L to the power alpha, too. For data that follow the documented formula,
#    with L = 1e-6 and alpha = 0.8, the fit is perfect, but it gives 3.2e-8: L to the power 1/alpha. CPE, its counterpart, has Q outside.
# 2. circuit_fit() in models/circuits/fitting.py promises "one standard deviation error estimates". With global_opt=True it takes the
#    gradient of one number, the root mean square error at its minimum, for the Jacobian of all points. At a minimum this is zero
#    but for noise, and its product with itself can not be inverted. So an error of 0.08 ohm becomes 1e12 ohm, or nan. With one
#    parameter, no warning comes (with more, SciPy says that a matrix is ill-conditioned).
#
# Remedy: L = (fitted value)^alpha. Run the normal fit again from the result of the global one, for its errors.
#
# Seen with impedance 1.7.1, numpy 2.4.6, scipy 1.17.1: La_0 3.16e-08 instead of 1e-06. R = 10 ohm from 60 points with a scatter of
# 0.5 ohm in the real part: error of the normal fit 0.04 ohm, of the global fit 9e6 ohm.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 matplotlib==3.11.2 pandas==3.1.1 impedance==1.7.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from impedance.models.circuits import CustomCircuit

print("impedance", importlib.metadata.version("impedance"), "numpy", np.__version__)
L, ALPHA = 1e-6, 0.8
frequency = np.logspace(6, 1, 60)
omega = 2 * np.pi * frequency
measured = 0.02 + L * (1j * omega) ** ALPHA + 0.05 / (1 + 1j * omega * 0.05 * 0.1)
circuit = CustomCircuit("R0-La0-p(R1,C1)", initial_guess=[0.01, 1e-6, 0.9, 0.1, 0.2])
circuit.fit(frequency, measured, weight_by_modulus=True)
worst = np.abs(circuit.predict(frequency) / measured - 1).max()
names = circuit.get_param_names()[0]
fitted = dict(zip(names, circuit.parameters_))
print("fitted:", *(f"{name} {value:.4g}" for name, value in fitted.items()), f"(largest deviation {worst:.1e})")
print(f"L of the documented formula is {L:.4g}; La_0 to the power alpha is {fitted['La0_0'] ** fitted['La0_1']:.4g}")

rng = np.random.default_rng(0)
noisy = 10 + rng.normal(0, 0.5, 60) + 0j  # a resistor of 10 ohm
errors = {}
for title, options in (("normal", {}), ("global", {"global_opt": True, "niter": 5})):
    resistor = CustomCircuit("R0", initial_guess=[8.0])
    resistor.fit(frequency, noisy, **options)
    errors[title] = resistor.conf_[0]
    print(f"resistor, {title} fit: {resistor.parameters_[0]:.4f} +- {errors[title]:.3g} ohm")
low = np.logspace(5, -1, 60)
randles = 10 + 100 / (1 + 2j * np.pi * low * 0.01) + rng.normal(0, 0.5, 60) + 1j * rng.normal(0, 0.5, 60)
confidence = {}
for title, options in (("normal", {}), ("global", {"global_opt": True, "niter": 5})):
    model = CustomCircuit("R0-p(R1,C1)", initial_guess=[8.0, 80.0, 2e-4])
    model.fit(low, randles, **options)
    confidence[title] = np.array(model.conf_)
    print(f"R-RC, {title} fit:", np.array2string(model.parameters_, precision=5), "+-", np.array2string(confidence[title], precision=3))
wrong = np.isnan(confidence["global"]) | (confidence["global"] > 1e4 * confidence["normal"])
# The number of a direct sum: 120 values (real and imaginary parts), half of them with the scatter, one parameter.
residual = np.concatenate([noisy.real - noisy.real.mean(), noisy.imag])
right = np.sqrt((residual**2).sum() / 119 / 60)
facts = {
    "the fit is perfect": worst < 1e-4,
    "La_0 is L to the power 1 / alpha": bool(np.isclose(fitted["La0_0"], L ** (1 / ALPHA), rtol=1e-3)),
    "La_0 is 30 times too small": fitted["La0_0"] < L / 30,
    "the error of the normal fit is right": bool(np.isclose(errors["normal"], right, rtol=0.01)),
    "that of the global fit is 10000 times as large, or nan": not errors["global"] < 1e4 * errors["normal"],
    "those of R-RC, too": bool(wrong.all()),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
