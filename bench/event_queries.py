"""The query classes that engines for logs and traces are compared on, in Bellrock's API, in ClickHouse's SQL and DuckDB's.

Every class counts what it found, so that a run shows whether the engines answered the same question. Times are
Unix milliseconds. Peers read all columns that a user would be shown.
"""

from dataclasses import dataclass
from typing import Callable

# What the data set plants, see crates/loadgen/src/dataset.
RARE_TOKEN = "kittiwake"
PHRASE = "connection reset by peer"
SERVICE = "checkout"


@dataclass
class Query:
    """One class. `found` counts rows, groups or records in Bellrock's answer; peers' are counted by their rows."""

    name: str
    path: str
    parameters: dict
    found: Callable
    clickhouse: str
    duckdb: str


def rows(key):
    return lambda body: len(body[key])


def groups(body):
    return len(body["table"]["rows"])


def calls_between_services(body):
    """The peers' statements pair spans; edges to databases and queues, which Bellrock has too, are not in them."""
    return sum(edge["peer"] == "service" for edge in body["edges"])


def ch_time(ms):
    return f"fromUnixTimestamp64Milli({ms})"


def duck_time(ms):
    return f"make_timestamp_ns({ms} * 1000000)"


def classes(begin, end, trace_id):
    """All classes over data between `begin` and `end`; `trace_id` is one of its traces."""
    hour = end - 3_600_000
    ch_hour = f"Timestamp >= {ch_time(hour)} AND Timestamp < {ch_time(end)}"
    ch_log_hour = f"{ch_hour} AND TimestampTime >= toDateTime({hour // 1000}) AND TimestampTime <= toDateTime({end // 1000})"
    duck_hour = f"Timestamp >= {duck_time(hour)} AND Timestamp < {duck_time(end)}"
    # Where peers are asked without a range, so is Bellrock: some spans begin just after the end.
    last_hour, wide = {"from": hour, "to": end}, {"from": begin - 3_600_000, "to": end + 3_600_000}
    return [
        Query("latest 100 errors of a service, 1 h", "/api/v1/logs",
              {**last_hour, "q": f"service:{SERVICE} level:error", "limit": 100}, rows("logs"),
              f"SELECT * FROM otel_logs WHERE ServiceName = '{SERVICE}' AND SeverityNumber BETWEEN 17 AND 20 "
              f"AND {ch_log_hour} ORDER BY Timestamp DESC LIMIT 100",
              f"SELECT * FROM otel_logs WHERE ServiceName = '{SERVICE}' AND SeverityNumber BETWEEN 17 AND 20 "
              f"AND {duck_hour} ORDER BY Timestamp DESC LIMIT 100"),
        Query("latest 100 logs, 1 h", "/api/v1/logs", {**last_hour, "limit": 100}, rows("logs"),
              f"SELECT * FROM otel_logs WHERE {ch_log_hour} ORDER BY Timestamp DESC LIMIT 100",
              f"SELECT * FROM otel_logs WHERE {duck_hour} ORDER BY Timestamp DESC LIMIT 100"),
        Query("logs with a rare token, all", "/api/v1/logs", {**wide, "q": RARE_TOKEN, "limit": 100}, rows("logs"),
              f"SELECT * FROM otel_logs WHERE hasToken(Body, '{RARE_TOKEN}') ORDER BY Timestamp DESC LIMIT 100",
              f"SELECT * FROM otel_logs WHERE contains(Body, '{RARE_TOKEN}') ORDER BY Timestamp DESC LIMIT 100"),
        Query("phrase by service and minute, all", "/api/v1/analyse",
              {**wide, "signal": "logs", "q": f'"{PHRASE}" | stats count() by service, bucket(1m) | limit 10000'}, groups,
              "SELECT ServiceName, toStartOfMinute(TimestampTime) AS minute, count() FROM otel_logs "
              "WHERE hasToken(Body, 'connection') AND hasToken(Body, 'reset') AND hasToken(Body, 'peer') "
              f"AND Body LIKE '%{PHRASE}%' GROUP BY ALL",
              "SELECT ServiceName, date_trunc('minute', Timestamp) AS minute, count(*) FROM otel_logs "
              f"WHERE contains(Body, '{PHRASE}') GROUP BY ALL"),
        Query("count by severity and minute, all", "/api/v1/analyse",
              {**wide, "signal": "logs", "q": "| stats count() by level, bucket(1m) | limit 10000"}, groups,
              "SELECT SeverityNumber, toStartOfMinute(TimestampTime) AS minute, count() FROM otel_logs GROUP BY ALL",
              "SELECT SeverityNumber, date_trunc('minute', Timestamp) AS minute, count(*) FROM otel_logs GROUP BY ALL"),
        Query("top 10 users of logs, all", "/api/v1/analyse",
              {**wide, "signal": "logs", "q": "| stats count() by user.id | sort -count | limit 10"}, groups,
              "SELECT LogAttributes['user.id'] AS user, count() AS n FROM otel_logs WHERE user != '' "
              "GROUP BY user ORDER BY n DESC LIMIT 10",
              "SELECT LogAttributes['user.id'] AS u, count(*) AS n FROM otel_logs WHERE u IS NOT NULL "
              "GROUP BY u ORDER BY n DESC LIMIT 10"),
        Query("trace by id", f"/api/v1/traces/{trace_id}", {}, rows("spans"),
              f"SELECT * FROM otel_traces WHERE TraceId = '{trace_id}' "
              f"AND Timestamp >= (SELECT min(Start) FROM otel_traces_trace_id_ts WHERE TraceId = '{trace_id}') "
              f"AND Timestamp <= (SELECT max(End) + 1 FROM otel_traces_trace_id_ts WHERE TraceId = '{trace_id}') "
              "ORDER BY Timestamp",
              f"SELECT * FROM otel_traces WHERE TraceId = '{trace_id}' ORDER BY Timestamp"),
        Query("20 slow failing traces, 1 h", "/api/v1/traces",
              {**last_hour, "q": f"service:{SERVICE} status:error duration>50ms", "limit": 20}, rows("traces"),
              "SELECT TraceId, max(Timestamp) AS t FROM otel_traces "
              f"WHERE ServiceName = '{SERVICE}' AND StatusCode = 'Error' AND Duration > 50000000 AND {ch_hour} "
              "GROUP BY TraceId ORDER BY t DESC LIMIT 20",
              "SELECT TraceId, max(Timestamp) AS t FROM otel_traces "
              f"WHERE ServiceName = '{SERVICE}' AND StatusCode = 'Error' AND Duration > 50000000 AND {duck_hour} "
              "GROUP BY TraceId ORDER BY t DESC LIMIT 20"),
        Query("p50, p95, p99 by service and operation, all", "/api/v1/analyse",
              {**wide, "signal": "traces", "q": "| stats p50(duration), p95(duration), p99(duration) by service, name | limit 10000"}, groups,
              "SELECT ServiceName, SpanName, quantiles(0.5, 0.95, 0.99)(Duration) FROM otel_traces GROUP BY ALL",
              "SELECT ServiceName, SpanName, approx_quantile(Duration, [0.5, 0.95, 0.99]) FROM otel_traces GROUP BY ALL"),
        Query("service map, 1 h", "/api/v1/service-map", last_hour, calls_between_services,
              "SELECT p.ServiceName AS client, c.ServiceName AS server, count(), countIf(c.StatusCode = 'Error'), "
              f"quantile(0.95)(c.Duration) FROM (SELECT * FROM otel_traces WHERE {ch_hour}) AS c "
              f"INNER JOIN (SELECT TraceId, SpanId, ServiceName FROM otel_traces WHERE {ch_hour}) AS p "
              "ON c.TraceId = p.TraceId AND c.ParentSpanId = p.SpanId WHERE client != server GROUP BY ALL",
              "SELECT p.ServiceName AS client, c.ServiceName AS server, count(*), count(*) FILTER (c.StatusCode = 'Error'), "
              f"approx_quantile(c.Duration, 0.95) FROM (SELECT * FROM otel_traces WHERE {duck_hour}) AS c "
              f"INNER JOIN (SELECT TraceId, SpanId, ServiceName FROM otel_traces WHERE {duck_hour}) AS p "
              "ON c.TraceId = p.TraceId AND c.ParentSpanId = p.SpanId WHERE client != server GROUP BY ALL"),
    ]
