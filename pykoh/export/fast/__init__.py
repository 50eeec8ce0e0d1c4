"""The fast route: MACE models with scalar hidden features as a few matrix products per atom."""
