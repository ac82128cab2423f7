"""The benchmark of the parsers: ``python -m benchmarks``, its chart, and instructions counted."""
