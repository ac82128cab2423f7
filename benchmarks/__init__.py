"""How fast the parser is, beside others: ``python -m benchmarks`` (see docs/benchmarks.rst)."""
