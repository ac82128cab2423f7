"""The gaps between chunks, and the tokens, of each model, with polars."""

from collections.abc import Sequence

import polars as pl

from sseparse.arrow import scan


def by_model(paths: Sequence[str]) -> pl.DataFrame:
    """Return each model, the 95th percentile of its gaps in ms, and its tokens."""
    events = pl.DataFrame(scan(paths, ["file", "stream", "start", "data", "arrival_ns"]))
    json = pl.col("data").str
    tokens = json.json_path_match("$.usage.completion_tokens").cast(pl.Int64)
    streams = (
        events.lazy()
        .filter(pl.col("data") != "[DONE]")
        .sort("file", "stream", "start")
        .group_by("file", "stream", json.json_path_match("$.model").alias("model"))
        .agg(gap=pl.col("arrival_ns").diff().drop_nulls(), tokens=tokens.max())
    )
    gaps = streams.explode("gap").group_by("model")
    p95 = gaps.agg(p95_ms=pl.col("gap").quantile(0.95, "linear") / 1e6)
    return (
        p95.join(streams.group_by("model").agg(pl.col("tokens").sum()), on="model")
        .sort("model")
        .collect()
    )
