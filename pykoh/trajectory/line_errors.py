"""What is wrong with a line of an atom in a dump, as a sentence with the remedy."""

from __future__ import annotations

from collections.abc import Sequence

from pykoh.trajectory import parsing
from pykoh.trajectory.layout import Layout
from pykoh.trajectory.species import SpeciesMap


def line_error(
    status: int,
    words: Sequence[str],
    line: int,
    column: int,
    layout: Layout,
    species_map: SpeciesMap,
) -> str:
    """Return why a line of an atom cannot be used.

    Args:
        status: of :func:`pykoh.trajectory.parsing.parse_atoms`, not WHOLE or NEXT_FRAME.
        words: of the line.
        line: number of the line in its frame, 0 for the first atom.
        column: the column in which parsing stopped.
        layout: columns of the dump.
        species_map: elements of the types.
    """
    id_column = layout.names.index("id")
    who = f"atom {words[id_column]}" if id_column < len(words) else f"atom line {line + 1}"
    name = layout.names[column]
    word = words[column] if column < len(words) else ""
    if status == parsing.SHORT_LINE:
        return (
            f"{who}: {len(words)} values, but the header names "
            f"{len(layout.names)} columns; the file is damaged at this place"
        )
    if status == parsing.NOT_FINITE:
        return (
            f"{who} has {name} = {word}; the simulation was unstable: analyse the part "
            "before with --stop PS, or run again with a smaller time step"
        )
    if status == parsing.UNKNOWN_SPECIES:
        if layout.by_element and word in ("D", "T"):
            return (
                f"{who} has element '{word}': isotopes of hydrogen are not supported, because "
                "masses and measured values are those of H"
            )
        if layout.by_element:
            return (
                f"{who} has element '{word}', not H, O or an alkali metal; name the elements of "
                "the types with 'dump_modify ID element H O K'; solutions with other elements "
                "cannot be analysed"
            )
        known = ", ".join(f"{k} = {v}" for k, v in enumerate(species_map.types, 1))
        return (
            f"{who} has type {word}, for which no element is given ({known}); "
            "give the element of each type with --types, e.g. --types H,O,K, or dump 'element'"
        )
    if status == parsing.UNKNOWN_ID:
        return f"{who} was not in the first frame, or occurs twice; all frames need the same atoms"
    if status == parsing.OTHER_SPECIES:
        return f"{who} changes its type or element; all frames need the same atoms"
    return f"{who} has {name} = '{word[:20]}', which is not a number"
