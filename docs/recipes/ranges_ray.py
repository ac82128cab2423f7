"""Count the events of a large recording with Ray."""

import sys

import ray

from sseparse.recording import Range, split


@ray.remote
def count(part: Range) -> int:
    """Return the number of events in a range."""
    return sum(1 for _ in part.events())


if __name__ == "__main__":
    print(sum(ray.get([count.remote(part) for part in split(sys.argv[1], 8)])))
