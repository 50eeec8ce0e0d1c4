"""Compiled parser for the atom lines of a LAMMPS text dump.

Numbers are read directly from the bytes. A decimal of up to 19 digits is read as an integer and
scaled once by a power of ten. So the error of a value is at most two units in the last place of a
double (relative 5e-16), and values of up to 15 digits are exact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pykoh.kernels import kernel, step

# Role of a column: 0-2 coordinates, 3-5 image flags, 6-8 velocities, or one of these.
SKIPPED = -1
ID = 20
SPECIES = 21
N_VALUES = 9

WHOLE = 0  # all atoms were read
NEED_MORE = 1  # the bytes end before the frame does
NEXT_FRAME = 2  # the next "ITEM:" comes before all atoms were there
SHORT_LINE = 3  # fewer columns than the header says
NOT_A_NUMBER = 4  # a word that is not a number
NOT_FINITE = 5  # nan or inf
UNKNOWN_SPECIES = 6  # an unknown type or element
UNKNOWN_ID = 7  # an id that was not in the first frame, or that occurs twice
OTHER_SPECIES = 8  # an atom that had another species in the first frame

ZERO, ONE, NINE, TEN = np.uint64(48), np.uint64(1), np.uint64(9), np.uint64(10)
MOST_DIGITS = np.uint64(18)  # of a number that fits a signed integer

_POWERS = np.array([10.0**i for i in range(23)])


@step()
def _scaled(mantissa: np.uint64, exponent: int) -> float:
    """Return mantissa · 10^exponent."""
    value = float(mantissa)
    while exponent > 22:
        value *= 1e22
        exponent -= 22
        if value > 1e300:
            break
    if exponent < -22:
        # At most two divisions for any double.
        while exponent < -22:
            value /= 1e22
            exponent += 22
            if value == 0.0:
                return 0.0
    if exponent >= 0:
        return value * _POWERS[min(exponent, 22)]
    return value / _POWERS[-exponent]


@step()
def _number(
    data: NDArray[np.uint8], start: np.uint64, stop: int
) -> tuple[np.uint64, int, bool, int, np.uint64]:
    """Read any number, also with many digits or an exponent.

    Args:
        data: the bytes, with a line end after the word.
        start: begin of the word.
        stop: end of the valid bytes.

    Returns:
        Mantissa, exponent, sign, WHOLE or a fault, and the position after the word.
    """
    pos = np.int64(start)
    fault = WHOLE
    negative = False
    if data[pos] == 45:
        negative = True
        pos += 1
    elif data[pos] == 43:
        pos += 1
    mantissa = np.uint64(0)
    digits = 0
    exponent = 0
    found = False
    while True:
        digit = data[pos] - np.uint8(48)
        if digit > 9:
            break
        found = True
        if digits < 19:
            mantissa = mantissa * np.uint64(10) + np.uint64(digit)
            if mantissa != 0:
                digits += 1
        else:
            exponent += 1
        pos += 1
    if data[pos] == 46:
        pos += 1
        while True:
            digit = data[pos] - np.uint8(48)
            if digit > 9:
                break
            found = True
            if digits < 19:
                mantissa = mantissa * np.uint64(10) + np.uint64(digit)
                if mantissa != 0:
                    digits += 1
                exponent -= 1
            pos += 1
    if found and (data[pos] == 101 or data[pos] == 69):
        pos += 1
        minus = False
        if data[pos] == 45:
            minus = True
            pos += 1
        elif data[pos] == 43:
            pos += 1
        power = 0
        while True:
            digit = data[pos] - np.uint8(48)
            if digit > 9:
                break
            power = min(power * 10 + np.int64(digit), 9999)
            pos += 1
        exponent += -power if minus else power
    if not found or data[pos] > 32:
        # nan, -nan, inf, Infinity, or not a number
        first = data[pos] | np.uint8(32)
        second = data[pos + 1] | np.uint8(32) if pos < stop else np.uint8(0)
        special = not found and (
            (first == 110 and second == 97) or (first == 105 and second == 110)
        )
        fault = NOT_FINITE if special else NOT_A_NUMBER
        while data[pos] > 32:
            pos += 1
    return mantissa, exponent, negative, fault, np.uint64(pos)


# Inlined by numba: as a call it takes 1.7 times the time.
@step(inline="always")
def _plain_number(
    data: NDArray[np.uint8], pos: np.uint64
) -> tuple[bool, np.uint64, np.uint64, bool, bool, np.uint64]:
    """Read a number of at most 18 digits without exponent: one unsigned index, no counting.

    Returns:
        Whether it is such a number, mantissa, decimal places, whether it is negative, whether it
        has a point, and the position after it.
    """
    negative = data[pos] == 45
    if negative:
        pos += ONE
    first = pos
    mantissa = np.uint64(0)
    digit = np.uint64(data[pos]) - ZERO
    while digit <= NINE:
        mantissa = mantissa * TEN + digit
        pos += ONE
        digit = np.uint64(data[pos]) - ZERO
    places = np.uint64(0)
    point = np.uint64(0)
    if data[pos] == 46:
        pos += ONE
        point = ONE
        after = pos
        digit = np.uint64(data[pos]) - ZERO
        while digit <= NINE:
            mantissa = mantissa * TEN + digit
            pos += ONE
            digit = np.uint64(data[pos]) - ZERO
        places = pos - after
    n_digits = pos - first - point
    plain = n_digits > np.uint64(0) and n_digits <= MOST_DIGITS and data[pos] <= 32
    return plain, mantissa, places, negative, point == ONE, pos


@step(inline="always")
def _species_code(
    data: NDArray[np.uint8], pos: np.uint64, keys: NDArray[np.uint64], codes: NDArray[np.int8]
) -> tuple[np.int8, np.uint64]:
    """Return the species code of the word at ``pos`` (-1: none), and the position after it."""
    key = np.uint64(0)
    shift = np.uint64(0)
    length = 0
    while data[pos] > 32:
        if length < 8:
            key |= np.uint64(data[pos]) << shift
            shift += np.uint64(8)
        length += 1
        pos += ONE
    if length <= 8:
        for k in range(keys.shape[0]):
            if keys[k] == key:
                return codes[k], pos
    return np.int8(-1), pos


@step()
def _first_not_below(known_ids: NDArray[np.int64], atom_id: int) -> int:
    """Return the index of the first id that is not below ``atom_id``."""
    low = 0
    high = known_ids.shape[0]
    while low < high:
        middle = (low + high) // 2
        if known_ids[middle] < atom_id:
            low = middle + 1
        else:
            high = middle
    return low


@step()
def _begins_with_item(data: NDArray[np.uint8], start: np.uint64) -> bool:
    return bool(
        data[start] == 73
        and data[start + ONE] == 84
        and data[start + np.uint64(2)] == 69
        and data[start + np.uint64(3)] == 77
    )


@kernel(
    "(uint8[::1], int64, int64, int64[::1], uint64[::1], int8[::1], int64[::1], "
    "int8[::1], int64[::1], int8[::1], float64[:,::1], float64[::1], int64[::1], int64)",
)
def parse_atoms(
    data: NDArray[np.uint8],
    start: int,
    stop: int,
    roles: NDArray[np.int64],
    keys: NDArray[np.uint64],
    codes: NDArray[np.int8],
    known_ids: NDArray[np.int64],
    known_species: NDArray[np.int8],
    ids: NDArray[np.int64],
    species: NDArray[np.int8],
    values: NDArray[np.float64],
    row: NDArray[np.float64],
    seen: NDArray[np.int64],
    mark: int,
) -> tuple[int, int, int, int]:
    """Parse the atom lines of one frame.

    ``data[stop]`` must be a line end (the caller sets this sentinel), so that loops need not check
    for the end of the data at each byte.

    Args:
        data: the bytes, at least ``stop + 1`` of them.
        start: begin of the first atom line.
        stop: end of the valid bytes.
        roles: [n_columns], role of each column.
        keys: [n_keys], words of a species column, up to 8 bytes packed little-endian.
        codes: [n_keys], species code of each.
        known_ids: [n_atoms] sorted ids of the first frame, or empty while reading it.
        known_species: [n_atoms], species codes of the first frame (same order), or empty.
        ids: [n_atoms], out, id of each slot.
        species: [n_atoms], out, species code of each slot.
        values: [n_atoms, 9], out, coordinates, image flags, velocities.
        row: [9], scratch.
        seen: [n_atoms], scratch, mark of the last frame with this id.
        mark: a different number for each frame.

    Returns:
        Status, position after the last byte that was read, atom line and column of a fault.
    """
    n_atoms = ids.shape[0]
    n_columns = roles.shape[0]
    known = known_ids.shape[0] > 0
    pos = np.uint64(start)
    end = np.uint64(stop)
    guess = 0
    # Values without a column are not changed.
    width = 0
    for column in range(n_columns):
        if roles[column] < N_VALUES:
            width = max(width, roles[column] + 1)
    for line in range(n_atoms):
        line_start = pos
        atom_id = np.int64(-1)
        code = np.int8(-1)
        fault = WHOLE
        fault_column = 0
        for column in range(n_columns):
            while data[pos] == 32 or data[pos] == 9:
                pos += ONE
            if data[pos] == 10 or data[pos] == 13:
                fault = SHORT_LINE
                fault_column = column
                break
            role = roles[column]
            if role == SKIPPED:
                while data[pos] > 32:
                    pos += ONE
                continue
            if role == SPECIES:
                code, pos = _species_code(data, pos, keys, codes)
                if code < 0 and fault == WHOLE:
                    fault = UNKNOWN_SPECIES
                    fault_column = column
                continue
            word = pos
            plain, mantissa, places, negative, point, pos = _plain_number(data, word)
            if plain:
                # Signed integers are converted faster.
                value = np.float64(np.int64(mantissa)) / _POWERS[places]
                whole = not point
            else:
                mantissa, exponent, negative, status, pos = _number(data, word, stop)
                if status != WHOLE:
                    if fault == WHOLE:
                        fault = status
                        fault_column = column
                    continue
                value = _scaled(mantissa, exponent)
                whole = exponent == 0
                if not np.isfinite(value) and fault == WHOLE:
                    fault = NOT_FINITE
                    fault_column = column
            if role == ID:
                atom_id = -np.int64(mantissa) if negative else np.int64(mantissa)
                if not whole and fault == WHOLE:
                    fault = NOT_A_NUMBER
                    fault_column = column
                continue
            row[role] = -value if negative else value
        while data[pos] != 10:
            pos += ONE
        if pos >= end:
            return NEED_MORE, np.int64(line_start), line, 0
        pos += ONE
        if fault != WHOLE:
            if _begins_with_item(data, line_start):
                return NEXT_FRAME, np.int64(line_start), line, 0
            # the id, if it was read before the fault, names the atom in the message
            ids[line] = atom_id
            return fault, np.int64(line_start), line, fault_column
        slot = line
        if known:
            slot = guess
            if slot >= n_atoms or known_ids[slot] != atom_id:
                slot = _first_not_below(known_ids, atom_id)
            if slot >= n_atoms or known_ids[slot] != atom_id or seen[slot] == mark:
                ids[line] = atom_id
                return UNKNOWN_ID, np.int64(line_start), line, 0
            if known_species[slot] != code:
                ids[line] = atom_id
                return OTHER_SPECIES, np.int64(line_start), line, 0
            seen[slot] = mark
            guess = slot + 1
        else:
            ids[slot] = atom_id
            species[slot] = code
        for k in range(width):
            values[slot, k] = row[k]
    return WHOLE, np.int64(pos), n_atoms, 0


def pack(word: str) -> np.uint64:
    """Return up to 8 bytes of ``word`` as the integer that :func:`parse_atoms` compares."""
    return np.uint64(int.from_bytes(word.encode()[:8], "little"))
