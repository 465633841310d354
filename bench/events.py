#!/usr/bin/env python3
"""The events engine side by side with ClickHouse and DuckDB on Parquet, in one run.

Every engine gets the same logs and spans and answers the same classes of questions: cold (caches dropped as far as a
process can), warm, and while logs are loaded at half the rate the engine can. Bellrock is asked over HTTP and encodes JSON;
the peers run inside this process and are given ready rows, so their ingest leaves out OTLP and durability. Under load
Bellrock is asked for what it loads, and a peer beside another instance that loads (`loading.py`).
Prints one Markdown report, also written to bench/results/. Needs `pip install -r bench/requirements.txt`.

    bench/events.py [--quick] [--server target/release/bellrock] [--loadgen target/release/loadgen]
"""

import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import time

import parquet
from clickhouse import ClickHouse
from duck import DuckDB
from event_queries import classes
from harness import Api, Server, commit, drop_page_cache, folder_bytes, load, machine, parse, parser, publish, say, scratch_folder, thousands

TABLES = {"logs": "otel_logs", "spans": "otel_traces"}
WARM_RUNS = 7
# Under load single answers differ by several times: short ones are asked for more often.
LOADED_RUNS = 60
LOADED_SECONDS = 2
HOURS = 6


def fill(options, data_dir):
    """Loads a Bellrock; returns what each signal cost and takes."""
    out = {}
    server = Server(options.server, data_dir)
    try:
        for what in TABLES:
            say(f"Bellrock: {what}")
            before = server.cpu_seconds()
            sent = load(options, server, what, options.records)
            server.settle()
            out[what] = {"n": sent["records"], "cpu": server.cpu_seconds() - before, "rate": sent["records_per_second"],
                         "p99": sent["ack_ms"]["p99"]}
        out["peak_mib"] = server.memory_mib("VmHWM")
    finally:
        server.stop()
    for what in TABLES:
        out[what]["disk"] = folder_bytes(data_dir / "events" / what, leave_out="wal")
    return out


def ask_bellrock(options, data_dir, trace_id):
    """First and warm milliseconds of every class, and what it found."""
    drop_page_cache(data_dir)
    server = Server(options.server, data_dir)
    try:
        api = Api(server.ports["api"])
        out = {}
        for q in questions(options, trace_id):
            say(f"Bellrock: {q.name}")
            status, body, cold = api.get(q.path, **q.parameters)
            if status != 200:
                out[q.name] = {"failed": f"HTTP {status} {json.dumps(body)[:120]}"}
                continue
            cpu = server.cpu_seconds()
            warm = [api.get(q.path, **q.parameters)[2] for _ in range(WARM_RUNS)]
            out[q.name] = {"cold": cold, "warm": statistics.median(warm), "found": q.found(body),
                           "cpu": (server.cpu_seconds() - cpu) / WARM_RUNS * 1e3, "partial": bool(body.get("partial"))}
        return out
    finally:
        server.stop()


def ask_while_loading(options, data_dir, trace_id, rate):
    """Warm milliseconds of every class while new records arrive at `rate` per second, in requests of a thousand."""
    server = Server(options.server, data_dir)
    loader = None
    try:
        say(f"Bellrock: the same while {thousands(rate)} logs/s arrive")
        command = [str(options.loadgen), "ingest", "--signal", "logs", "--records", str(int(rate * 60)), "--seed", "2",
                   "--connections", "2", "--rate", str(int(rate)), "--end", str(options.end_ns - HOURS * 3600 * 10**9),
                   "--endpoint", f"http://127.0.0.1:{server.ports['otlp-http']}"]
        loader = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        api = Api(server.ports["api"])
        out = {}
        for q in questions(options, trace_id):
            out[q.name] = median_under_load(lambda: api.get(q.path, **q.parameters)[2])
        if loader.poll() is not None:
            say(f"  the load ended early: {loader.stderr.read()[-500:]}")
        return out
    finally:
        if loader:
            loader.kill()
            loader.wait()
        server.stop()


def median_under_load(ask):
    """The median of what `ask` returns; the first time does not count."""
    ask()
    times, begun = [], time.monotonic()
    while len(times) < WARM_RUNS or len(times) < LOADED_RUNS and time.monotonic() - begun < LOADED_SECONDS:
        times.append(ask())
    return statistics.median(times)


def questions(options, trace_id):
    end = options.end_ns // 1_000_000
    return classes(end - HOURS * 3_600_000, end, trace_id)


def load_beside(peer, logs):
    """Another instance of a peer that loads until it is ended."""
    command = [sys.executable, str(pathlib.Path(__file__).with_name("loading.py")), type(peer).__name__, str(logs), f"{peer.folder}-loading"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    if process.stdout.readline() != "ready\n":
        raise RuntimeError(f"{peer.name} does not load beside: {process.wait()}")
    return process


def measure_peer(options, peer, files, trace_id):
    out = {"queries": {}}
    for what, table in TABLES.items():
        say(f"{peer.name}: {what}")
        inserted, cpu = peer.load(table, files[what])
        out[what] = {"cpu": cpu, "inserted": inserted, "disk": peer.bytes_on_disk(table)}
    for q in questions(options, trace_id):
        say(f"{peer.name}: {q.name}")
        statement = q.clickhouse if isinstance(peer, ClickHouse) else q.duckdb
        if isinstance(peer, ClickHouse):
            for cache in ("MARK", "UNCOMPRESSED", "INDEX MARK", "MMAP"):
                peer.sql(f"SYSTEM DROP {cache} CACHE")
        drop_page_cache(peer.folder)
        rows, cold, _ = peer.ask(statement)
        runs = [peer.ask(statement)[1:] for _ in range(WARM_RUNS)]
        out["queries"][q.name] = {"cold": cold, "warm": statistics.median(r[0] for r in runs),
                                  "cpu": statistics.median(r[1] for r in runs), "found": len(rows)}
    if not options.without_loading:
        say(f"{peer.name}: the same while logs are loaded")
        beside = load_beside(peer, files["logs"])
        try:
            for q in questions(options, trace_id):
                statement = q.clickhouse if isinstance(peer, ClickHouse) else q.duckdb
                out["queries"][q.name]["loading"] = median_under_load(lambda: peer.ask(statement)[1])
            if beside.poll() is not None:
                raise RuntimeError(f"{peer.name} ended loading early: {beside.returncode}")
        finally:
            beside.kill()
            beside.wait()
    return out


def report(options, started, filled, ours, loading, peers):
    n = {what: filled[what]["n"] for what in TABLES}
    names = [p for p in peers]
    out = [
        f"# Logs and traces side by side, {started:%Y-%m-%d %H:%M} UTC", "",
        f"Machine: {machine()}. Commit: {commit() or 'unknown'}. {thousands(n['logs'])} logs and {thousands(n['spans'])} "
        f"spans of {HOURS} hours, seed 1. Bellrock over HTTP with JSON, after fsync; the peers in process, two threads, "
        "ready rows, no fsync.", "",
        f"Bellrock's peak memory while loading both: {filled['peak_mib']:.0f} MiB.", "",
        "| | logs per CPU-second | bytes/log | spans per CPU-second | bytes/span |", "|---|--:|--:|--:|--:|",
    ]
    cells = [f"{thousands(n[w] / filled[w]['cpu'])} | {filled[w]['disk'] / n[w]:.1f}" for w in TABLES]
    out.append("| Bellrock | " + " | ".join(cells) + " |")
    for name, peer in peers.items():
        cells = [f"{thousands(n[w] / peer[w]['cpu'])} | {peer[w]['disk'] / n[w]:.1f}" for w in TABLES]
        out.append(f"| {name} | " + " | ".join(cells) + " |")
    out += ["", "Milliseconds, warm median (cold; while logs are loaded at half the engine's highest rate), and how many times slower the best "
            "peer is, warm, cold, and while loading.", "",
            "| query | Bellrock | " + " | ".join(names) + " | best peer / Bellrock | found |",
            "|---|--:|" + "--:|" * len(names) + "--:|---|"]
    for q in questions(options, "0"):
        us = ours[q.name]
        if "failed" in us:
            out.append(f"| {q.name} | {us['failed']} |" + " |" * (len(names) + 2))
            continue
        kinds = ("warm", "cold", "loading") if loading else ("warm", "cold")
        if loading:
            us["loading"] = loading[q.name]
        theirs = {name: peer["queries"][q.name] for name, peer in peers.items()}
        ratios = [f"{min(t[kind] for t in theirs.values()) / us[kind]:.1f}" for kind in kinds] if theirs else ["-"]
        found = {"Bellrock": us["found"], **{name: t["found"] for name, t in theirs.items()}}
        same = str(us["found"]) if len(set(found.values())) == 1 else ", ".join(f"{k} {v}" for k, v in found.items())
        cells = [f"{of['warm']:.1f} ({'; '.join(f'{of[kind]:.1f}' for kind in kinds[1:])})" for of in (us, *theirs.values())]
        out.append(f"| {q.name} | {cells[0]}{' partial' if us['partial'] else ''} | " + " | ".join(cells[1:] + [", ".join(ratios), same]) + " |")
    return "\n".join(out) + "\n"


def arguments():
    made = parser(__doc__.split("\n", 1)[0], "100,000 records a signal instead of 2,000,000")
    made.add_argument("--records", type=int, help="records of each signal")
    made.add_argument("--without-peers", action="store_true", help="Bellrock alone")
    made.add_argument("--without-loading", action="store_true", help="leave out the queries under load")
    options = parse(made)
    options.records = options.records or (100_000 if options.quick else 2_000_000)
    # Whole minutes, so that buckets of a minute are the same for all.
    options.end_ns = time.time_ns() // (60 * 10**9) * 60 * 10**9
    return options


def some_trace(options, data_dir):
    """A trace of middling size, an hour before the end."""
    server = Server(options.server, data_dir)
    try:
        end = options.end_ns // 1_000_000
        _, found, _ = Api(server.ports["api"]).get(
            "/api/v1/traces", **{"from": end - 2 * 3_600_000, "to": end - 3_600_000, "limit": 20})
        traces = sorted(found["traces"], key=lambda t: t["span_count"])
        return traces[len(traces) // 2]["trace_id"]
    finally:
        server.stop()


def main():
    options = arguments()
    started = datetime.datetime.now(datetime.timezone.utc)
    with scratch_folder(options) as scratch:
        data_dir = scratch / "bellrock"
        filled = fill(options, data_dir)
        trace_id = some_trace(options, data_dir)
        ours = ask_bellrock(options, data_dir, trace_id)
        peers = {}
        if not options.without_peers:
            files = {what: scratch / f"{what}.parquet" for what in TABLES}
            for what, file in files.items():
                say(f"writing {what} for the peers")
                parquet.make(options.loadgen, what, options.records, options.end_ns, file)
            for kind in (ClickHouse, DuckDB):
                peer = kind(scratch / kind.__name__.lower())
                peers[peer.name] = measure_peer(options, peer, files, trace_id)
                peer.close()
        loading = None
        if not options.without_loading:
            loading = ask_while_loading(options, data_dir, trace_id, filled["logs"]["rate"] / 2)
    text = report(options, started, filled, ours, loading, peers)
    publish(text, started, options, "-events")


if __name__ == "__main__":
    main()
