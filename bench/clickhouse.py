"""ClickHouse in this process (`chdb`), with the tables of the OpenTelemetry Collector's ClickHouse exporter.

The tables are those that the exporter makes by default: one per signal, maps for attributes, bloom filters on their
keys, values and on trace ids, a token filter on the body, and the side table from trace id to time. Rows come from
Parquet files with the exporter's column names, so reading OTLP is not counted: an advantage for ClickHouse.
"""

import pathlib
import time

from chdb import session

MAP_INDEXES = "".join(
    f"""
    INDEX idx_{short}_key mapKeys({column}) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX idx_{short}_value mapValues({column}) TYPE bloom_filter(0.01) GRANULARITY 1,"""
    for short, column in (("res", "ResourceAttributes"), ("attr", "{own}"))
)

LOGS = """
CREATE TABLE otel_logs (
    Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)),
    TimestampTime DateTime DEFAULT toDateTime(Timestamp),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    TraceFlags UInt8,
    SeverityText LowCardinality(String) CODEC(ZSTD(1)),
    SeverityNumber UInt8,
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    Body String CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion LowCardinality(String) CODEC(ZSTD(1)),
    LogAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,{indexes}
    INDEX idx_body Body TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 8
) ENGINE = MergeTree
PARTITION BY toDate(TimestampTime)
PRIMARY KEY (ServiceName, TimestampTime)
ORDER BY (ServiceName, TimestampTime, Timestamp)
""".format(indexes=MAP_INDEXES.format(own="LogAttributes"))

SPANS = """
CREATE TABLE otel_traces (
    Timestamp DateTime64(9) CODEC(Delta, ZSTD(1)),
    TraceId String CODEC(ZSTD(1)),
    SpanId String CODEC(ZSTD(1)),
    ParentSpanId String CODEC(ZSTD(1)),
    TraceState String CODEC(ZSTD(1)),
    SpanName LowCardinality(String) CODEC(ZSTD(1)),
    SpanKind LowCardinality(String) CODEC(ZSTD(1)),
    ServiceName LowCardinality(String) CODEC(ZSTD(1)),
    ResourceAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    ScopeName String CODEC(ZSTD(1)),
    ScopeVersion String CODEC(ZSTD(1)),
    SpanAttributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    Duration UInt64 CODEC(ZSTD(1)),
    StatusCode LowCardinality(String) CODEC(ZSTD(1)),
    StatusMessage String CODEC(ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.001) GRANULARITY 1,{indexes}
    INDEX idx_duration Duration TYPE minmax GRANULARITY 1
) ENGINE = MergeTree
PARTITION BY toDate(Timestamp)
ORDER BY (ServiceName, SpanName, toDateTime(Timestamp))
""".format(indexes=MAP_INDEXES.format(own="SpanAttributes"))

TRACE_TIMES = """
CREATE TABLE otel_traces_trace_id_ts (
    TraceId String CODEC(ZSTD(1)),
    Start DateTime CODEC(Delta, ZSTD(1)),
    End DateTime CODEC(Delta, ZSTD(1)),
    INDEX idx_trace_id TraceId TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(Start) ORDER BY (TraceId, Start)
"""

TRACE_TIMES_VIEW = """
CREATE MATERIALIZED VIEW otel_traces_trace_id_ts_mv TO otel_traces_trace_id_ts AS
SELECT TraceId, min(Timestamp) AS Start, max(Timestamp) AS End FROM otel_traces WHERE TraceId != '' GROUP BY TraceId
"""

# What the exporter sends at a time is about this many rows.
INSERT_BLOCK_ROWS = 100_000
THREADS = 2


class ClickHouse:
    """Its own folder, two threads, no cache of query results or conditions."""

    name = "ClickHouse"

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.session = session.Session(str(folder))
        self.sql(f"SET max_threads = {THREADS}")
        self.sql("SET use_query_condition_cache = 0")
        self.sql("CREATE DATABASE bench ENGINE = Atomic")
        self.sql("USE bench")
        for statement in (LOGS, SPANS, TRACE_TIMES, TRACE_TIMES_VIEW):
            self.sql(statement)

    def sql(self, statement, output="CSV"):
        return str(self.session.query(statement, output))

    def insert(self, table, parquet):
        """Reads a file, sorts and encodes its rows."""
        columns = self.sql(f"SELECT name FROM system.columns WHERE database = 'bench' AND table = '{table}'").split()
        wanted = ", ".join(name.strip('"') for name in columns if name.strip('"') != "TimestampTime")
        self.sql(
            f"INSERT INTO {table} ({wanted}) SELECT {wanted} FROM file('{parquet}', Parquet) "
            f"SETTINGS max_insert_block_size = {INSERT_BLOCK_ROWS}, min_insert_block_size_rows = {INSERT_BLOCK_ROWS}"
        )

    def load(self, table, parquet):
        """CPU seconds of inserting a file, and of that and merging into one part."""
        begun = time.process_time()
        self.insert(table, parquet)
        inserted = time.process_time() - begun
        self.sql(f"OPTIMIZE TABLE {table} FINAL")
        return inserted, time.process_time() - begun

    def bytes_on_disk(self, table):
        answer = self.sql(
            "SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'bench' "
            f"AND (table = '{table}' OR (table = 'otel_traces_trace_id_ts' AND '{table}' = 'otel_traces'))"
        )
        return int(answer.strip())

    def ask(self, statement):
        """Rows of the answer as text, and wall and CPU milliseconds."""
        wall, cpu = time.perf_counter(), time.process_time()
        answer = self.sql(statement, "TSV")
        return answer.splitlines(), (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3

    def close(self):
        self.session.close()
