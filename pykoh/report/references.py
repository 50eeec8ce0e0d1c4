"""The papers behind the numbers, as links and as BibTeX."""

from __future__ import annotations

from dataclasses import dataclass

_TO_LATEX = str.maketrans(
    {"ä": '{\\"a}', "ß": "{\\ss}", "é": "{\\'e}", "ý": "{\\'y}", "°": "{\\textdegree}"}
)


@dataclass(frozen=True, slots=True)
class Reference:
    """One paper.

    Attributes:
        key: BibTeX key.
        authors: family name first, joined by ``and``.
        title: title of the paper.
        journal: journal, or the archive of a preprint.
        year: year.
        volume: volume, or empty.
        pages: first page or article number.
        doi: digital object identifier, without a resolver.
        used_for: what a report cites it for.
    """

    key: str
    authors: str
    title: str
    journal: str
    year: int
    volume: str
    pages: str
    doi: str
    used_for: str

    @property
    def short(self) -> str:
        """``Yeh and Hummer 2004`` or ``Gilliam et al. 2007``."""
        families = [name.split(",")[0] for name in self.authors.split(" and ")]
        if len(families) == 1:
            who = families[0]
        elif len(families) == 2:
            who = " and ".join(families)
        else:
            who = f"{families[0]} et al."
        return f"{who} {self.year}"

    def bibtex(self) -> str:
        """Return the BibTeX entry."""
        fields = {
            "author": self.authors.translate(_TO_LATEX),
            "title": "{" + self.title + "}",
            "journal": self.journal,
            "year": str(self.year),
            "volume": self.volume,
            "pages": self.pages,
            "doi": self.doi,
        }
        body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items() if value)
        return f"@article{{{self.key},\n{body}\n}}"


LUZAR = Reference(
    "luzar1996",
    "Luzar, Alenka and Chandler, David",
    "Effect of Environment on Hydrogen Bond Dynamics in Liquid Water",
    "Physical Review Letters",
    1996,
    "76",
    "928",
    "10.1103/PhysRevLett.76.928",
    "the geometric criterion of a hydrogen bond",
)
YEH = Reference(
    "yeh2004",
    "Yeh, In-Chul and Hummer, Gerhard",
    "System-Size Dependence of Diffusion Coefficients and Viscosities from Molecular Dynamics "
    "Simulations with Periodic Boundary Conditions",
    "The Journal of Physical Chemistry B",
    2004,
    "108",
    "15873",
    "10.1021/jp0477147",
    "the correction of diffusion coefficients to infinite size",
)
MCCLUSKEY = Reference(
    "mccluskey2025",
    "McCluskey, Andrew R. and Coles, Samuel W. and Morgan, Benjamin J.",
    "Accurate Estimation of Diffusion Coefficients and their Uncertainties from Computer "
    "Simulation",
    "Journal of Chemical Theory and Computation",
    2025,
    "21",
    "79",
    "10.1021/acs.jctc.4c01249",
    "fits to displacements whose points are correlated",
)
GRASSELLI = Reference(
    "grasselli2019",
    "Grasselli, Federico and Baroni, Stefano",
    "Topological quantization and gauge invariance of charge transport in liquid insulators",
    "Nature Physics",
    2019,
    "15",
    "967",
    "10.1038/s41567-019-0562-0",
    "the conductivity from formal charges",
)
GILLIAM = Reference(
    "gilliam2007",
    "Gilliam, R. J. and Graydon, J. W. and Kirk, D. W. and Thorpe, S. J.",
    "A review of specific conductivities of potassium hydroxide solutions for various "
    "concentrations and temperatures",
    "International Journal of Hydrogen Energy",
    2007,
    "32",
    "359",
    "10.1016/j.ijhydene.2006.10.062",
    "the measured conductivity of aqueous KOH",
)
MARX = Reference(
    "marx2010",
    "Marx, Dominik and Chandra, Amalendu and Tuckerman, Mark E.",
    "Aqueous Basic Solutions: Hydroxide Solvation, Structural Diffusion, and Comparison to the "
    "Hydrated Proton",
    "Chemical Reviews",
    2010,
    "110",
    "2174",
    "10.1021/cr900233f",
    "hydroxide solvation and structural diffusion",
)
HANSEROTH = Reference(
    "hanseroth2025",
    "Hänseroth, Jonas and Dreßler, Christian",
    "Optimizing Machine Learning Potentials for Hydroxide Transport: Surprising Efficiency of "
    "Single-Concentration Training",
    "arXiv",
    2025,
    "",
    "2505.07580",
    "10.48550/arXiv.2505.07580",
    "hydrogen bonds between hydroxide ions at high concentration",
)
LAMMPS = Reference(
    "thompson2022",
    "Thompson, A. P. and Aktulga, H. M. and Berger, R. and others",
    "LAMMPS - a flexible simulation tool for particle-based materials modeling at the atomic, "
    "meso, and continuum scales",
    "Computer Physics Communications",
    2022,
    "271",
    "108171",
    "10.1016/j.cpc.2021.108171",
    "LAMMPS, if it ran the simulation",
)

TUCKERMAN = Reference(
    "tuckerman2002",
    "Tuckerman, Mark E. and Marx, Dominik and Parrinello, Michele",
    "The nature and transport mechanism of hydrated hydroxide ions in aqueous solution",
    "Nature",
    2002,
    "417",
    "925",
    "10.1038/nature00797",
    "presolvation: solvation changes before the proton is transferred",
)
KAPLAN = Reference(
    "kaplan1958",
    "Kaplan, E. L. and Meier, Paul",
    "Nonparametric Estimation from Incomplete Observations",
    "Journal of the American Statistical Association",
    1958,
    "53",
    "457",
    "10.1080/01621459.1958.10501452",
    "lifetimes, some of them cut off by the end of the run",
)
DAIVIS = Reference(
    "daivis1994",
    "Daivis, Peter J. and Evans, Denis J.",
    "Comparison of constant pressure and constant volume nonequilibrium simulations of sheared "
    "model decane",
    "The Journal of Chemical Physics",
    1994,
    "100",
    "541",
    "10.1063/1.466970",
    "viscosity from all components of the pressure tensor",
)
KNELLER = Reference(
    "kneller1995",
    "Kneller, G. R. and Keiner, V. and Kneller, M. and Schiller, M.",
    "nMOLDYN: A program package for a neutron scattering oriented analysis of Molecular Dynamics "
    "simulations",
    "Computer Physics Communications",
    1995,
    "91",
    "191",
    "10.1016/0010-4655(95)00048-K",
    "displacements over all time origins by fast Fourier transform",
)

COMPAAN = Reference(
    "compaan1956",
    "Compaan, K. and Haven, Y.",
    "Correlation factors for diffusion in solids",
    "Transactions of the Faraday Society",
    1956,
    "52",
    "786",
    "10.1039/TF9565200786",
    "diffusion from hops, each correlated with the one before",
)
WILSON = Reference(
    "wilson1927",
    "Wilson, Edwin B.",
    "Probable Inference, the Law of Succession, and Statistical Inference",
    "Journal of the American Statistical Association",
    1927,
    "22",
    "209",
    "10.1080/01621459.1927.10502953",
    "intervals of shares, which do not leave 0 to 1",
)
CRC = Reference(
    "crc",
    "Vanýsek, Petr",
    "Ionic Conductivity and Diffusion at Infinite Dilution, in: CRC Handbook of Chemistry and "
    "Physics, 97th Edition",
    "CRC Press",
    2016,
    "",
    "5-75",
    "10.1201/9781315380476",
    "the measured diffusion of ions at infinite dilution, 25 °C",
)
HOLZ = Reference(
    "holz2000",
    "Holz, Manfred and Heil, Stefan R. and Sacco, Antonio",
    "Temperature-dependent self-diffusion coefficients of water and six selected molecular liquids "
    "for calibration in accurate 1H NMR PFG measurements",
    "Physical Chemistry Chemical Physics",
    2000,
    "2",
    "4740",
    "10.1039/b005319h",
    "the measured self-diffusion of pure water, 0 to 100 °C",
)
LALIBERTE = Reference(
    "laliberte2009",
    "Laliberté, Marc",
    "A Model for Calculating the Heat Capacity of Aqueous Solutions, with Updated Density and "
    "Viscosity Data",
    "Journal of Chemical and Engineering Data",
    2009,
    "54",
    "1725",
    "10.1021/je8008123",
    "the measured viscosity of aqueous KOH, -14 to 40 °C and up to 52 wt%",
)
ARRHENIUS = Reference(
    "arrhenius1889",
    "Arrhenius, Svante",
    "Über die Reaktionsgeschwindigkeit bei der Inversion von Rohrzucker durch Säuren",
    "Zeitschrift für Physikalische Chemie",
    1889,
    "4",
    "226",
    "10.1515/zpch-1889-0416",
    "activation energies from several temperatures",
)

# Arrhenius is cited by the page of a series only.
ALL = (
    LUZAR,
    MARX,
    TUCKERMAN,
    KAPLAN,
    KNELLER,
    MCCLUSKEY,
    YEH,
    DAIVIS,
    GRASSELLI,
    GILLIAM,
    CRC,
    HOLZ,
    LALIBERTE,
    COMPAAN,
    WILSON,
    HANSEROTH,
    LAMMPS,
)

BY_KEY = {reference.key: reference for reference in ALL}
