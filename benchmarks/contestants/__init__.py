"""The contestants of the parsers' benchmark: both builds of sseparse, and its peers."""
