"""CP2K input: the level of theory, recipes for convergence, and a parser.

The level is fixed for each cation, so that labels from different days and machines can be compared:
BLYP (doi:10.1103/PhysRevA.38.3098, doi:10.1103/PhysRevB.37.785) with D3 zero damping
(doi:10.1063/1.3382344), GTH pseudopotentials (doi:10.1103/PhysRevB.54.1703), MOLOPT bases
(doi:10.1063/1.2770708), in CP2K (doi:10.1063/5.0007045).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pykoh.chemistry import VALENCE
from pykoh.errors import LabelError
from pykoh.reference.level import Level

if TYPE_CHECKING:
    from ase import Atoms

LEVEL_NAME = "BLYP-D3/DZVP-MOLOPT-SR-GTH"
BASIS = "DZVP-MOLOPT-SR-GTH"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to converge the wavefunction (orbital transformation, doi:10.1063/1.1543154).

    Attributes:
        name: name in the label.
        minimizer: CP2K's OT MINIMIZER.
        preconditioner: CP2K's OT PRECONDITIONER.
        inner: steps between rebuilds of the preconditioner.
        outer: number of rebuilds.
        from_neighbour: start from the wavefunction of another frame of the trajectory.
    """

    name: str
    minimizer: str
    preconditioner: str
    inner: int
    outer: int
    from_neighbour: bool


# Measured with 99 atoms: the first recipe takes 16 steps from superposed atoms, and 10 steps from
# the wavefunction of a frame 0.1 ps away.
RECIPES = (
    Recipe("DIIS/FULL_ALL", "DIIS", "FULL_ALL", 10, 8, True),
    Recipe("CG/FULL_ALL", "CG", "FULL_ALL", 20, 8, False),
    Recipe("CG/FULL_SINGLE_INVERSE", "CG", "FULL_SINGLE_INVERSE", 40, 12, False),
)

# CUTOFF and REL_CUTOFF of CP2K's grid, Ry.
_GRID = (400, 40)
# The 2s and 2p electrons of Na need a finer grid. With one NaOH and one H2O, the force on Na at
# 400 Ry is 1 eV/Å off that at 1200 Ry, and the forces add up to 0.75 eV/Å (1200 Ry: 0.03).
_FINE_GRID = {"Na": (1200, 60)}


def grid_of(elements: Iterable[str]) -> tuple[int, int]:
    """Return CUTOFF and REL_CUTOFF, Ry, for boxes of these elements."""
    return max((_FINE_GRID[each] for each in elements if each in _FINE_GRID), default=_GRID)


_DFT = """\
  BASIS_SET_FILE_NAME BASIS_MOLOPT
  POTENTIAL_FILE_NAME GTH_POTENTIALS
  &MGRID
   CUTOFF {cutoff}
   REL_CUTOFF {rel_cutoff}
  &END MGRID
  &QS
   EPS_DEFAULT 1e-10
  &END QS
  &XC
   &XC_FUNCTIONAL BLYP
   &END XC_FUNCTIONAL
   &XC_GRID
    XC_SMOOTH_RHO NN10
    XC_DERIV NN10_SMOOTH
   &END XC_GRID
   &VDW_POTENTIAL
    POTENTIAL_TYPE PAIR_POTENTIAL
    &PAIR_POTENTIAL
     TYPE DFTD3
     PARAMETER_FILE_NAME dftd3.dat
     REFERENCE_FUNCTIONAL BLYP
    &END PAIR_POTENTIAL
   &END VDW_POTENTIAL
  &END XC"""

_LEVEL_SECTIONS = ("MGRID", "QS", "XC", "POISSON")
_LEVEL_KEYS = ("BASIS_SET_FILE_NAME", "POTENTIAL_FILE_NAME")


def input_text(
    atoms: Atoms,
    recipe: Recipe,
    guess: str | None = None,
    multiplicity: int | None = None,
    stress: bool = True,
    grid: tuple[int, int] | None = None,
) -> str:
    """Return the CP2K input for energy, forces and stress of one periodic frame.

    Args:
        atoms: positions in Å and cell.
        recipe: settings of convergence.
        guess: a wavefunction file to start from, or None for superposed atoms.
        multiplicity: 2S + 1 for a spin-polarised calculation (isolated atoms), or None.
        stress: compute the analytical stress, which takes about 2 % of the time.
        grid: CUTOFF and REL_CUTOFF, Ry; by default those of :func:`grid_of`.

    Raises:
        LabelError: the level has no basis for an element.
    """
    cutoff, rel_cutoff = grid or grid_of(atoms.get_chemical_symbols())
    spin = "" if multiplicity is None else f"  LSD\n  MULTIPLICITY {multiplicity}\n"
    restart = "" if guess is None else f"  WFN_RESTART_FILE_NAME {guess}\n"
    return f"""\
&GLOBAL
 PROJECT frame
 RUN_TYPE ENERGY_FORCE
 PRINT_LEVEL MEDIUM
&END GLOBAL
&FORCE_EVAL
 METHOD QS
 {"STRESS_TENSOR ANALYTICAL" if stress else ""}
 &PRINT
  &FORCES
  &END FORCES
  &STRESS_TENSOR
  &END STRESS_TENSOR
 &END PRINT
 &DFT
{_DFT.format(cutoff=cutoff, rel_cutoff=rel_cutoff)}
{spin}{restart}\
  &SCF
   SCF_GUESS {"ATOMIC" if guess is None else "RESTART"}
   EPS_SCF 2e-6
   MAX_SCF {recipe.inner}
   &OT
    MINIMIZER {recipe.minimizer}
    PRECONDITIONER {recipe.preconditioner}
    ENERGY_GAP 0.05
   &END OT
   &OUTER_SCF
    MAX_SCF {recipe.outer}
    EPS_SCF 2e-6
   &END OUTER_SCF
  &END SCF
 &END DFT
{_subsystem(atoms)}
&END FORCE_EVAL
"""


def _subsystem(atoms: Atoms) -> str:
    """Return the section SUBSYS: cell, coordinates, basis and pseudopotential of each element."""
    elements = list(dict.fromkeys(atoms.get_chemical_symbols()))
    for element in elements:
        if element not in VALENCE:
            raise LabelError(
                f"element {element}: {LEVEL_NAME} has no basis for it "
                f"(there is {' '.join(VALENCE)}); use --calculator MODULE:FACTORY"
            )
    rows = zip(atoms.get_chemical_symbols(), atoms.positions, strict=True)
    coordinates = "\n".join(f"   {s} {x:.10f} {y:.10f} {z:.10f}" for s, (x, y, z) in rows)
    cell = "\n".join(
        f"   {name} {' '.join(f'{c:.12f}' for c in vector)}"
        for name, vector in zip("ABC", atoms.cell.array, strict=True)
    )
    kinds = "\n".join(
        f"  &KIND {e}\n   BASIS_SET {BASIS}\n   POTENTIAL GTH-BLYP-q{VALENCE[e]}\n  &END KIND"
        for e in elements
    )
    return f"""\
 &SUBSYS
  &CELL
{cell}
   PERIODIC XYZ
  &END CELL
  &COORD
{coordinates}
  &END COORD
{kinds}
 &END SUBSYS"""


def parse_input(text: str) -> dict[str, Any]:
    """Return a CP2K input as nested dictionaries, names in capitals.

    A section is a dictionary whose ``"_"`` holds its parameter; repeated sections and keywords
    get ``#2``, ``#3`` … after their name. Variables and includes are not expanded.

    Raises:
        LabelError: a section is not closed.
    """
    root: dict[str, Any] = {}
    stack = [root]

    def put(name: str, value: Any) -> None:
        name, number = name.upper(), 2
        free = name
        while free in stack[-1]:
            free, number = f"{name}#{number}", number + 1
        stack[-1][free] = value

    for raw in text.splitlines():
        line = raw.split("!")[0].split("#")[0].strip()
        if not line:
            continue
        head, _, rest = line.partition(" ")
        if head.upper().startswith("&END"):
            if len(stack) == 1:
                raise LabelError("CP2K input: more &END than sections")
            stack.pop()
        elif head.startswith("&"):
            section = {"_": rest.strip().upper()} if rest.strip() else {}
            put(head[1:], section)
            stack.append(section)
        else:
            put(head, rest.strip())
    if len(stack) > 1:
        raise LabelError("CP2K input: a section has no &END")
    return root


def _number_or_word(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _number_or_word(item) for key, item in value.items()}
    try:
        return float(value)
    except ValueError:
        return str(value).upper()


def settings_of(text: str) -> dict[str, Any]:
    """Return the settings of a CP2K input on which the energy depends, for :class:`Level`.

    EPS_SCF is included. The method of convergence and the output are left out. Spin is left out
    too: isolated atoms and closed-shell boxes have the same level.
    """
    try:
        force = parse_input(text)["FORCE_EVAL"]
        dft, subsystem = force["DFT"], force["SUBSYS"]
        kinds = {
            item["_"]: {key: item.get(key, "") for key in ("BASIS_SET", "POTENTIAL")}
            for name, item in subsystem.items()
            if name.split("#")[0] == "KIND"
        }
        eps = dft["SCF"]["EPS_SCF"]
        periodic = subsystem["CELL"].get("PERIODIC", "XYZ")
    except (KeyError, TypeError, AttributeError) as error:
        raise LabelError(f"CP2K input: {error} is missing") from error
    bases = {kind["BASIS_SET"] for kind in kinds.values()}
    potentials = {kind["POTENTIAL"].split("-Q")[0].split("-q")[0] for kind in kinds.values()}
    found = {key: dft[key] for key in (*_LEVEL_SECTIONS, *_LEVEL_KEYS) if key in dft}
    found.update(
        basis=" ".join(sorted(bases)),
        potential=" ".join(sorted(potentials)),
        EPS_SCF=eps,
        PERIODIC=periodic,
    )
    result: dict[str, Any] = _number_or_word(found)
    return result


def cp2k_level(code: str, grid: tuple[int, int] = _GRID) -> Level:
    """Return the level of :func:`input_text` as computed by ``code`` on a grid (Ry)."""
    from ase import Atoms

    example = Atoms("H", cell=[1.0, 1.0, 1.0], pbc=True)
    return Level(LEVEL_NAME, settings_of(input_text(example, RECIPES[0], grid=grid)), code)
