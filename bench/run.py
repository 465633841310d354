#!/usr/bin/env python3
"""End-to-end benchmark of `bellrock serve`: ingest, size on disk, memory, query latency.

Starts release binaries on free ports with data folders of their own, loads the
deterministic data set with `loadgen ingest`, reads CPU time and memory from
/proc, asks the HTTP API, and prints one Markdown report that is also written
to bench/results/. Measures; judges nothing. Python's standard library only.

    bench/run.py [--quick] [--server target/release/bellrock] [--loadgen target/release/loadgen]
"""

import datetime
import json
import shutil
import statistics
import time

from harness import Api, Server, commit, disk, load, machine, parse, parser, publish, say, scratch_folder, thousands

SIGNALS = ["spans", "logs", "points"]
# Transport and encoding; the first one also fills the server that is queried.
VARIANTS = [("http", "identity"), ("http", "gzip"), ("grpc", "identity")]
# What the data set plants, see crates/loadgen/src/dataset.
RARE_TOKEN = "kittiwake"
PHRASE = "connection reset by peer"
WARM_RUNS = 20


def ingest(options, server, what, protocol, encoding):
    return load(
        options, server, what, options.records, "--connections", options.connections, "--protocol", protocol, "--encoding", encoding,
        port="otlp-grpc" if protocol == "grpc" else "otlp-http",
    )


def measure_start(options, scratch):
    say("start and idle memory")
    starts, idle = [], 0.0
    for attempt in range(3):
        server = Server(options.server, scratch / f"idle-{attempt}", options.server_arg)
        starts.append(server.start_seconds)
        if attempt == 2:
            time.sleep(3)
            idle = server.memory_mib("VmRSS")
        server.stop()
    return {"start_ms": statistics.median(starts) * 1e3, "idle_mib": idle}


def measure_ingest(options, scratch, what, protocol, encoding):
    say(f"ingest {what} {protocol} {encoding}")
    data_dir = scratch / f"ingest-{what}-{protocol}-{encoding}"
    server = Server(options.server, data_dir, options.server_arg)
    try:
        before = server.cpu_seconds()
        report = ingest(options, server, what, protocol, encoding)
        at_ack = server.cpu_seconds() - before
        server.settle()
        settled = server.cpu_seconds() - before
        peak = server.memory_mib("VmHWM")
        in_order = server.stop()
    finally:
        server.stop()
    wal, rest = disk(data_dir)
    shutil.rmtree(data_dir, ignore_errors=True)
    return {
        "report": report, "cpu_at_ack": at_ack, "cpu": settled, "peak_mib": peak,
        "in_order": in_order, "wal": wal, "disk": rest,
    }


def queries(options, trace_id):
    """Name, path, parameters, and how to count what came back."""
    end = options.end_ns // 1_000_000
    hour, all_of_it = end - 3_600_000, end - 6 * 3_600_000
    prometheus = {"start": end / 1e3 - 1800, "end": end / 1e3, "step": "30s"}
    rows = lambda key: lambda body: len(body[key])
    series = lambda body: len(body["data"]["result"])
    matches = lambda body: sum(map(sum, body["counts"]))
    wide, last_hour = {"from": all_of_it, "to": end}, {"from": hour, "to": end}
    rate = "sum by (service) (rate(http_requests_total[5m]))"
    quantile = "histogram_quantile(0.95, sum by (le, service) (rate(http_request_duration_seconds_bucket[5m])))"
    return [
        ("latest 100 logs, 1 h", "/api/v1/logs", {**last_hour, "limit": 100}, rows("logs")),
        ("latest 100 errors of a service, 1 h", "/api/v1/logs",
         {**last_hour, "q": "service:checkout level:error", "limit": 100}, rows("logs")),
        ("logs with a rare token, 6 h", "/api/v1/logs", {**wide, "q": RARE_TOKEN, "limit": 100}, rows("logs")),
        ("logs with a phrase, 6 h", "/api/v1/logs", {**wide, "q": f'"{PHRASE}"', "limit": 100}, rows("logs")),
        ("volume of a phrase, 6 h", "/api/v1/logs/volume", {**wide, "q": f'"{PHRASE}"', "buckets": 60}, matches),
        ("log volume by level, 6 h", "/api/v1/logs/volume", {**wide, "buckets": 60}, matches),
        ("trace by id", f"/api/v1/traces/{trace_id}", {}, rows("spans")),
        ("20 latest traces, 1 h", "/api/v1/traces", {**last_hour, "limit": 20}, rows("traces")),
        ("20 slow failing traces, 6 h", "/api/v1/traces",
         {**wide, "q": "service:checkout status:error duration>50ms", "limit": 20}, rows("traces")),
        ("services with rate, errors, quantiles, 1 h", "/api/v1/services", last_hour, rows("services")),
        ("PromQL rate by service, 30 min", "/api/v1/query_range", {**prometheus, "query": rate}, series),
        ("PromQL histogram_quantile, 30 min", "/api/v1/query_range", {**prometheus, "query": quantile}, series),
    ]


def measure_queries(options, scratch):
    data_dir = scratch / "queries"
    server = Server(options.server, data_dir, options.server_arg)
    try:
        for what in SIGNALS:
            say(f"filling for queries: {what}")
            ingest(options, server, what, *VARIANTS[0])
        server.settle()
        # A restart empties the process' caches and memory tables; the operating system's cache stays warm.
        server.stop()
        server = Server(options.server, data_dir, options.server_arg)
        restart_seconds = server.start_seconds
        api = Api(server.ports["api"])
        end = options.end_ns // 1_000_000
        status, found, _ = api.get("/api/v1/traces", **{"from": end - 2 * 3_600_000, "to": end - 3_600_000, "limit": 20})
        traces = sorted((found or {}).get("traces", []), key=lambda t: t["span_count"]) if status == 200 else []
        trace_id = traces[len(traces) // 2]["trace_id"] if traces else "0" * 31 + "1"
        results = []
        for name, path, parameters, count in queries(options, trace_id):
            say(f"query: {name}")
            status, body, first = api.get(path, **parameters)
            if status != 200:
                results.append({"name": name, "failed": f"HTTP {status} {json.dumps(body)[:160]}"})
                continue
            warm = sorted(api.get(path, **parameters)[2] for _ in range(WARM_RUNS))
            results.append({
                "name": name, "first": first, "median": statistics.median(warm),
                "p95": warm[int(WARM_RUNS * 0.95) - 1], "rows": count(body),
                "partial": bool(body.get("partial") or body.get("warnings")),
            })
        return {"results": results, "restart_ms": restart_seconds * 1e3, "rss_mib": server.memory_mib("VmRSS")}
    finally:
        server.stop()


def report(options, started, idle, ingests, asked):
    out = [
        f"# Bench {started:%Y-%m-%d %H:%M} UTC", "",
        f"Machine: {machine()}. Commit: {commit() or 'unknown'}. "
        f"Data: {thousands(options.records)} spans, logs and points each, six hours, seed 1"
        f"{' (quick)' if options.quick else ''}.", "",
        "Client and server share the machine. CPU is the server's user and system time until background work has "
        "settled. Disk is the data folder after a stop in order, without the WAL.", "",
        f"Start to ready: {idle['start_ms']:.0f} ms empty, {asked['restart_ms']:.0f} ms with the query data. "
        f"Memory: {idle['idle_mib']:.0f} MiB idle, {asked['rss_mib']:.0f} MiB after the queries.", "",
        "## Ingest", "",
        "| signal | transport | records/s wall | records per CPU-second | ack p50 ms | ack p99 ms | refused "
        "| peak RSS MiB | bytes/record sent | bytes/record on disk | WAL left, bytes/record | waited for generator s |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for (what, protocol, encoding), m in ingests.items():
        r = m["report"]
        n = r["records"]
        waited = r["generator"]["connections_waited_seconds"] / r["connections"]
        out.append(
            f"| {what} | {protocol} {encoding} | {thousands(r['records_per_second'])} "
            f"| {thousands(n / m['cpu']) if m['cpu'] else '-'} | {r['ack_ms']['p50']:.1f} | {r['ack_ms']['p99']:.1f} "
            f"| {r['refused']} | {m['peak_mib']:.0f} | {r['bytes_sent'] / n:.0f} | {m['disk'] / n:.1f} "
            f"| {m['wal'] / n:.1f} | {waited:.2f} of {r['wall_seconds']:.2f} |"
        )
    killed = [" ".join(key) for key, m in ingests.items() if not m["in_order"]]
    if killed:
        out += ["", f"Did not stop in order within a minute: {', '.join(killed)}; their size on disk is not final."]
    out += [
        "", "## Queries over HTTP", "",
        f"On all three signals together, after a restart; first run, then median and p95 of {WARM_RUNS}.", "",
        "| query | first ms | median ms | p95 ms | rows |", "|---|--:|--:|--:|--:|",
    ]
    for q in asked["results"]:
        if "failed" in q:
            out.append(f"| {q['name']} | failed: {q['failed']} | | | |")
        else:
            rows = f"{thousands(q['rows'])}{' (partial)' if q['partial'] else ''}"
            out.append(f"| {q['name']} | {q['first']:.1f} | {q['median']:.1f} | {q['p95']:.1f} | {rows} |")
    return "\n".join(out) + "\n"


def arguments():
    made = parser(__doc__.split("\n", 1)[0], "100,000 records instead of 2,000,000")
    made.add_argument("--records", type=int, help="records per signal")
    made.add_argument("--connections", type=int, default=4)
    made.add_argument("--server-arg", action="append", default=[], help="further argument for `serve`; may repeat")
    options = parse(made)
    options.records = options.records or (100_000 if options.quick else 2_000_000)
    options.end_ns = time.time_ns()
    return options


def main():
    options = arguments()
    started = datetime.datetime.now(datetime.timezone.utc)
    with scratch_folder(options) as scratch:
        idle = measure_start(options, scratch)
        ingests = {
            (what, *variant): measure_ingest(options, scratch, what, *variant)
            for what in SIGNALS for variant in VARIANTS
        }
        asked = measure_queries(options, scratch)
    text = report(options, started, idle, ingests, asked)
    publish(text, started, options)


if __name__ == "__main__":
    main()
