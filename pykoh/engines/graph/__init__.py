"""The fast route: MACE models as a few loops and matrix products per atom."""
