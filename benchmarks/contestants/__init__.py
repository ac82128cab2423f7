"""What the parsers' benchmark measures: both builds of sseparse, and its peers."""
