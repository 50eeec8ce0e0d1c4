"""Loops that numba compiles at the first call, and keeps on disk."""
