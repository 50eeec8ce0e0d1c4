"""Names that writers and readers of results share."""

RESULTS_JSON = "results.json"
SERIES_JSON, SERIES_CSV = "series.json", "series.csv"
PART_OF_SERIES = "series"
"""Key of ``results.json``: what a series needs of a run."""
