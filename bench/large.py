#!/usr/bin/env python3
"""Many spans in one store: size, memory while they arrive, restart, and how long a trace takes to be found by its id.

Spans of six hours, then a restart and an empty page cache. The traces that are asked for are spread over the six hours; each is asked once with
nothing of it read yet, then again. Measures; judges nothing.

    bench/large.py [--records 100000000] [--server target/release/bellrock] [--loadgen target/release/loadgen]
"""

import datetime
import statistics
import time

from harness import Api, Server, commit, disk, drop_page_cache, load, machine, parse, parser, publish, say, scratch_folder, thousands

# How many traces are asked for, and from how many windows of the six hours they are taken.
TRACES, WINDOWS = 60, 12
HOURS = 6


def some_traces(options, api):
    """Ids of traces from windows over all six hours."""
    end_ms = options.end_ns // 1_000_000
    step = HOURS * 3_600_000 // WINDOWS
    found = []
    for window in range(WINDOWS):
        to = end_ms - window * step
        status, body, _ = api.get("/api/v1/traces", **{"from": to - 10_000, "to": to, "limit": TRACES // WINDOWS})
        if status != 200:
            raise RuntimeError(f"HTTP {status} {body}")
        found += [(trace["trace_id"], trace["span_count"]) for trace in body["traces"]]
    return found


def ask(api, traces):
    """Milliseconds of each trace, and how many came back with fewer spans than the search had seen."""
    times, short = [], 0
    for trace_id, spans in traces:
        status, body, took = api.get(f"/api/v1/traces/{trace_id}")
        if status != 200:
            raise RuntimeError(f"HTTP {status} {body}")
        short += len(body["spans"]) < spans
        times.append(took)
    return times, short


def row(name, times):
    ordered = sorted(times)
    return f"| {name} | {len(ordered)} | {statistics.median(ordered):.1f} | {ordered[int(len(ordered) * 0.95) - 1]:.1f} | {ordered[-1]:.1f} |"


def main():
    made = parser(__doc__.splitlines()[0], "a million spans")
    made.add_argument("--records", type=int, default=100_000_000)
    made.add_argument("--server-arg", action="append", default=[])
    options = parse(made)
    if options.quick:
        options.records = 1_000_000
    options.end_ns = time.time_ns()
    started = datetime.datetime.now(datetime.timezone.utc)
    with scratch_folder(options) as scratch:
        folder = scratch / "data"
        server = Server(options.server, folder, options.server_arg)
        try:
            say(f"loading {thousands(options.records)} spans")
            before = server.cpu_seconds()
            report = load(options, server, "spans", options.records)
            server.settle()
            cpu, peak = server.cpu_seconds() - before, server.memory_mib("VmHWM")
            traces = some_traces(options, Api(server.ports["api"]))
            in_order = server.stop()
            wal, rest = disk(folder)
            drop_page_cache(folder)
            server = Server(options.server, folder, options.server_arg)
            ready = server.start_seconds
            api = Api(server.ports["api"])
            api.get("/api/v1/services")
            say("asking")
            cold, short = ask(api, traces)
            warm, _ = ask(api, traces)
            resident = server.memory_mib("VmRSS")
        finally:
            server.stop()
    lines = [
        f"# {thousands(options.records)} spans, {started:%Y-%m-%d %H:%M} UTC", "", f"Machine: {machine()}. Commit: {commit() or 'unknown'}.", "",
        f"Ingest: {thousands(report['records_per_second'])} spans/s, {thousands(options.records / cpu)} per CPU-second, {report['refused']} requests refused, "
        f"acknowledged p99 {report['ack_ms']['p99']:.1f} ms; {peak:.0f} MiB resident at most.",
        f"Disk: {rest / options.records:.1f} bytes/span ({rest / 2**30:.2f} GiB), {wal / 2**20:.0f} MiB of log{'' if in_order else '; did not stop in order'}.",
        f"Ready {ready * 1e3:.0f} ms after a start with an empty page cache; {resident:.0f} MiB resident after the queries.", "",
        "| trace by id | traces | median ms | p95 ms | max ms |", "|---|--:|--:|--:|--:|", row("nothing of it read yet", cold), row("again", warm), "",
        f"{len(traces) - short} of {len(traces)} traces came back with every span that the search had counted.",
    ]
    publish("\n".join(lines) + "\n", started, options, "-large")


if __name__ == "__main__":
    main()
