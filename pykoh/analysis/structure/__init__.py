"""Radial distribution functions, contacts of ions, pairs of hydroxides."""
