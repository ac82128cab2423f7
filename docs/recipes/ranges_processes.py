"""Count the events of a large recording on all processors."""

import sys
from concurrent.futures import ProcessPoolExecutor

from sseparse.recording import Range, split


def count(part: Range) -> int:
    """Return the number of events in a range."""
    return sum(1 for _ in part.events())


if __name__ == "__main__":
    with ProcessPoolExecutor() as pool:
        print(sum(pool.map(count, split(sys.argv[1], 8))))
