"""Training of MACE potentials by mace-torch: data, options, the supervised run, its record."""
