"""Training of MACE potentials with mace-torch: data, options, the training, its record."""
