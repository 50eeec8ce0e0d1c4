"""Ways to run an exported potential in LAMMPS."""
