"""The coverage-guided fuzz target: see __main__.py for how to run it."""
