"""Results as JSON, CSV, plots and one self-contained page."""
