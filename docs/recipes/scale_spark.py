"""The gaps between chunks, and the tokens, of each model, with Spark."""

from pyspark.sql import DataFrame, SparkSession

from sseparse.spark import SseDataSource

QUERY = """
with chunks as (
    select file, stream, get_json_object(data, '$.model') as model,
        cast(get_json_object(data, '$.usage.completion_tokens') as bigint) as tokens,
        arrival_ns - lag(arrival_ns) over (partition by file, stream order by start) as gap
    from events where data <> '[DONE]'
), streams as (
    select model, max(tokens) as tokens from chunks group by file, stream, model
)
select gaps.model, gaps.p95_ms, totals.tokens
from (select model, percentile(gap, 0.95) / 1e6 as p95_ms from chunks group by model) gaps
join (select model, sum(tokens) as tokens from streams group by model) totals
    on gaps.model = totals.model
order by gaps.model
"""


def by_model(spark: SparkSession, path: str) -> DataFrame:
    """Return each model, the 95th percentile of its gaps in ms, and its tokens."""
    spark.dataSource.register(SseDataSource)
    columns = "file,stream,start,data,arrival_ns"
    events = spark.read.format("sse").option("columns", columns).load(path)
    events.createOrReplaceTempView("events")
    return spark.sql(QUERY)
