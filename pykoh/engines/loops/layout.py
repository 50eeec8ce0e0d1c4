"""Where a force call in one loop finds the numbers of a potential and those of its atoms.

What the loops need of a potential lies in two arrays, ``weights`` and ``indices``. ``layout`` tells
where: ``N_FIELDS`` numbers for each layer, then as many for the harmonics. The first ones are
numbers, the others places: an array ends where the next one begins. ``room`` tells in the same way
where the values of atoms lie in ``work``: ``N_VALUES`` places for each layer, then the place of
scratch space and its size for each thread. All arrays in them have one dimension.
"""

from __future__ import annotations

FIELDS = (
    "width_sums", "width_in", "width", "width_before", "n_before", "n_hidden", "n_tables",
    "n_intervals",
    "pair_table", "factors", "runs", "end_of_indices",
    "table", "sent", "sender", "sender_back", "mix", "mix_back", "coefficients", "linear",
    "linear_back", "own", "skip", "skip_back", "read_in", "read_back", "read_out", "end",
)  # fmt: skip
"""Of a layer: numbers, arrays of ``indices``, arrays of ``weights``.

U channels are summed over neighbours (``width_sums``), V are contracted (``width_in``), W are the
scalars of the layer (``width``). B are the derivatives by the scalars of the layer before
(``width_before``). All are filled up with zeros. The arrays are arguments of the loops. Besides,
``sent`` is what elements send in the first layer, and ``sender`` the matrix of what atoms send in
the others.
"""

FIELDS_OF_HARMONICS = (
    "lower", "axis", "components", "of_monomial", "directions", "slope_components",
    "slope_of_monomial", "end_of_indices", "coefficients", "slope_coefficients", "end",
)  # fmt: skip

VALUES = ("scalars", "slope", "derivative", "grad_features", "sent", "grad_sent")
"""Of a layer of n atoms, with M = L² components.

They are ``[n, W]``; ``[n, W]``, of the energies by the scalars; ``[M, n, V]`` of the contraction,
group by group of the atoms that go through a layer together; ``[n, B]``; ``[n, U]``; and
``[threads, n, U]``. The first layer has none of the last two.
"""

N_FIELDS, N_VALUES = len(FIELDS), len(VALUES)
(
    WIDTH_SUMS, WIDTH_IN, WIDTH, WIDTH_BEFORE, N_BEFORE, N_HIDDEN, N_TABLES, N_INTERVALS,
    PAIR_TABLE, FACTORS, RUNS, _, TABLE, SENT, SENDER, SENDER_BACK, MIX, MIX_BACK, COEFFICIENTS,
    LINEAR, LINEAR_BACK, OWN, SKIP, SKIP_BACK, READ_IN, READ_BACK, READ_OUT, _,
) = range(N_FIELDS)  # fmt: skip
(
    LOWER, AXIS, COMPONENTS, OF_MONOMIAL, DIRECTIONS, SLOPE_COMPONENTS, SLOPE_OF_MONOMIAL, _,
    OF_Y, OF_SLOPES, _,
) = range(len(FIELDS_OF_HARMONICS))  # fmt: skip
SCALARS, SLOPE, DERIVATIVE, GRAD_FEATURES, SENT_BY_ATOMS, GRAD_SENT = range(N_VALUES)

ATOMS_TOGETHER = 192
"""At most so many atoms go through a layer at a time, while their numbers are in the cache."""
