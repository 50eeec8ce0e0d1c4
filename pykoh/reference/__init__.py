"""Reference energies and forces: frames to label, CP2K or any ASE calculator, label files."""
