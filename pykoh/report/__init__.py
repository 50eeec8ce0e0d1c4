"""One self-contained page, and plots, from the results of an analysis."""
