"""Read recordings on a cluster of Apache Spark, kill one of its workers, and compare the rows.

    pip install pyspark '.[arrow]'          # and Java 17 or newer
    python tests/scale/spark_cluster.py

The cluster is ``local-cluster[2,1,1024]``: two workers on this machine, each a process with one
core and 1,024 MB. When some tasks of the job have ended, one of the two processes is killed. Spark
starts another and repeats the tasks that were lost. The rows must be those of
``sseparse.arrow.scan`` in this process.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import pyspark
from pyspark.sql import SparkSession

from sseparse import encode
from sseparse.arrow import scan
from sseparse.spark import SseDataSource

PARTITION = 1 << 20  # bytes
TASKS = 24
KILL_AFTER = 5  # tasks


def main() -> None:
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_HOME", str(Path(pyspark.__file__).parent))
    builder = SparkSession.builder.master("local-cluster[2,1,1024]").appName("sseparse")
    spark = builder.config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chat.sse"
        _write(path)
        try:
            _compare(spark, path)
        finally:
            spark.stop()


def _write(path: Path) -> None:
    with path.open("wb") as file:
        number = 0
        while file.tell() < PARTITION * TASKS:
            id = str(number) if number % 1000 == 0 else None
            file.write(encode(f'{{"delta": "{number}", "pad": "{"x" * 200}"}}', id=id))
            number += 1


def _compare(spark: SparkSession, path: Path) -> None:
    spark.dataSource.register(SseDataSource)
    found = spark.read.format("sse").option("partitionSize", str(PARTITION)).load(str(path))
    killer = threading.Thread(target=_kill_one, args=[spark])
    killer.start()
    start = time.monotonic()
    table = found.toArrow().sort_by("start")
    took = time.monotonic() - start
    killer.join()
    serial = scan(path).reader().read_all().cast(table.schema)
    print(f"pyspark {pyspark.__version__}: {table.num_rows:,} rows in {took:.1f} s", flush=True)
    print(f"the serial parse: {serial.num_rows:,} rows")
    if not table.combine_chunks().equals(serial.combine_chunks()):
        sys.exit("FAILED: the rows differ")
    print("the rows are equal")


def _kill_one(spark: SparkSession) -> None:
    """Kill one worker's process when some tasks have ended, and others have not."""
    tracker = spark.sparkContext.statusTracker()
    while True:
        time.sleep(0.05)
        for stage in tracker.getActiveStageIds():
            info = tracker.getStageInfo(stage)
            if info and info.numTasks > KILL_AFTER and info.numCompletedTasks >= KILL_AFTER:
                victim = _executors(spark)[0]
                os.kill(victim, signal.SIGKILL)
                print(
                    f"killed process {victim}, one of two, after {info.numCompletedTasks} of "
                    f"{info.numTasks} tasks; {info.numActiveTasks} were running",
                    flush=True,
                )
                return


def _executors(spark: SparkSession) -> list[int]:
    """Return the processes of the workers, which the driver's Java process has started."""
    driver = spark._jvm.java.lang.ProcessHandle.current()
    return [
        child.pid()
        for child in driver.children().toArray()
        if b"CoarseGrainedExecutorBackend" in Path(f"/proc/{child.pid()}/cmdline").read_bytes()
    ]


if __name__ == "__main__":
    main()
