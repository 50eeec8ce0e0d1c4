"""Compositions, experimental densities and periodic boxes of alkali hydroxide solutions."""
