"""Errors of models at concentrations that they were not trained on, and their costs."""
