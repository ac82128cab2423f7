"""Measure recordings: see ``scale``."""
