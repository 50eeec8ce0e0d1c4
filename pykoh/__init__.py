"""pykoh: from a MACE potential to trustworthy transport properties of aqueous KOH."""

__version__ = "0.1.0"
