"""`make bench`: ratios of speed; see `python -m benchmarks.speed --help`."""
