"""Exporting a trained MACE model to the TorchScript artifact."""
