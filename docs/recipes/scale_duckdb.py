"""The gaps between chunks, and the tokens, of each model, with DuckDB."""

from collections.abc import Sequence

import duckdb

from sseparse.arrow import scan

QUERY = """
with chunks as (
    select file, stream, data->>'$.model' as model,
        (data->>'$.usage.completion_tokens')::bigint as tokens,
        arrival_ns - lag(arrival_ns) over (partition by file, stream order by start) as gap
    from events where data <> '[DONE]'
), streams as (
    select model, max(tokens) as tokens from chunks group by file, stream, model
)
select gaps.model, gaps.p95_ms, totals.tokens
from (select model, quantile_cont(gap, 0.95) / 1e6 as p95_ms from chunks group by model) gaps
join (select model, sum(tokens)::bigint as tokens from streams group by model) totals
    on gaps.model = totals.model
order by gaps.model
"""


def by_model(paths: Sequence[str]) -> list[tuple[str, float, int]]:
    """Return each model, the 95th percentile of its gaps in ms, and its tokens."""
    events = scan(paths, ["file", "stream", "start", "data", "arrival_ns"])
    with duckdb.connect() as connection:
        connection.register("events", events)
        return connection.sql(QUERY).fetchall()
