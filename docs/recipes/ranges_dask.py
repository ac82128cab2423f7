"""The events of large recordings as a dataframe of Dask."""

import dask.dataframe as dd
import pandas as pd

from sseparse.arrow import scan
from sseparse.recording import Range, split


def events(paths: list[str], parts: int) -> dd.DataFrame:
    """Return the events of the files, in that many partitions for each."""
    ranges = [part for path in paths for part in split(path, parts)]
    return dd.from_map(_frame, ranges)


def _frame(part: Range) -> pd.DataFrame:
    return scan(part, ["type", "data"], strict=True).reader().read_pandas()
