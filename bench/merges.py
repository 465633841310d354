#!/usr/bin/env python3
"""What merges cost those who send: acknowledgement times with and without a merge running, and write amplification.

Logs arrive at a steady rate for some minutes, in pieces of two seconds. Of each piece is known how many bytes merges wrote meanwhile
(`/metrics`), so that pieces with a merge stand beside pieces without one in the same run. Measures; judges nothing.

    bench/merges.py [--seconds 180] [--rate 250000] [--signal logs] [--server target/release/bellrock] [--loadgen target/release/loadgen]
"""

import datetime
import http.client
import statistics
import time

from harness import Server, commit, load, machine, parse, parser, publish, say, scratch_folder, thousands

PIECE_S = 2


def own(server, name, signal):
    """One of the server's own metrics."""
    connection = http.client.HTTPConnection("127.0.0.1", server.ports["metrics"], timeout=30)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    wanted = f'{name}{{signal="{signal}"}} '
    return next(float(line[len(wanted) :]) for line in text.splitlines() if line.startswith(wanted))


def piece(options, server, number):
    before = own(server, "bellrock_events_merged_bytes_total", options.counted)
    report = load(options, server, options.signal, options.rate * PIECE_S, "--seed", number, "--rate", options.rate)
    merged = own(server, "bellrock_events_merged_bytes_total", options.counted) - before
    return {"merged": merged, "refused": report["refused"], "rate": report["records_per_second"], **report["ack_ms"]}


def row(name, pieces):
    if not pieces:
        return f"| {name} | 0 | - | - | - | - | - |"
    of = lambda key: [p[key] for p in pieces]
    refused = sum(of("refused"))
    cells = [
        name, thousands(len(pieces)), thousands(statistics.median(of("rate"))), f"{statistics.median(of('p50')):.1f}",
        f"{statistics.median(of('p99')):.1f}", f"{max(of('max')):.1f}", thousands(refused),
    ]
    return "| " + " | ".join(cells) + " |"


def main():
    made = parser(__doc__.splitlines()[0], "half a minute")
    made.add_argument("--seconds", type=int, default=180)
    made.add_argument("--rate", type=int, default=250_000, help="records per second; half of what the server takes")
    made.add_argument("--signal", choices=["logs", "spans"], default="logs")
    made.add_argument("--server-arg", action="append", default=[])
    options = parse(made)
    options.counted = {"logs": "logs", "spans": "traces"}[options.signal]
    seconds = 30 if options.quick else options.seconds
    started = datetime.datetime.now()
    options.end_ns = time.time_ns()
    with scratch_folder(options) as scratch:
        server = Server(options.server, scratch / "data", options.server_arg)
        try:
            pieces = []
            begun = time.monotonic()
            while time.monotonic() - begun < seconds:
                pieces.append(piece(options, server, len(pieces) + 1))
                say(f"{time.monotonic() - begun:5.0f} s  p99 {pieces[-1]['p99']:6.1f} ms  merged {pieces[-1]['merged'] / 2**20:6.1f} MiB")
            server.settle()
            read = lambda name: own(server, name, options.counted)
            flushed, merged = read("bellrock_events_flushed_bytes_total"), read("bellrock_events_merged_bytes_total")
            records, segments = read("bellrock_events_rows"), read("bellrock_events_segments")
            peak, in_order = server.memory_mib("VmHWM"), server.stop()
        finally:
            server.stop()
    quiet = [p for p in pieces if not p["merged"]]
    busy = [p for p in pieces if p["merged"]]
    lines = [
        f"# {options.signal} at {thousands(options.rate)} a second, with and without merges",
        "",
        f"{started:%Y-%m-%d}, {machine()}, commit {commit()}. {thousands(records)} records; pieces of {PIECE_S} s; client and server share the machine.",
        "",
        "| pieces | number | records/s, median | ack p50 ms, median | ack p99 ms, median | largest ms | refused |",
        "|---|--:|--:|--:|--:|--:|--:|",
        row("without a merge", quiet),
        row("with one", busy),
        "",
        f"Segments: {flushed / 2**20:,.0f} MiB written from memory, {merged / 2**20:,.0f} MiB by merges: write amplification "
        f"{1 + merged / max(flushed, 1):.2f}, {segments:.0f} left. Largest resident memory {peak:,.0f} MiB. Stopped in order: {'yes' if in_order else 'no'}.",
        "",
    ]
    publish("\n".join(lines), started, options, f"-merges-{options.signal}")


if __name__ == "__main__":
    main()
