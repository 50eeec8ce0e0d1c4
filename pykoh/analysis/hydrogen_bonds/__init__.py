"""When D-H...A is a hydrogen bond; counts and lifetimes."""
