#!/usr/bin/env python3
"""Pipelines beside another collector: items per CPU-second, memory, and what a pipeline adds to the time of an answer.

`bellrock collect` and `bellrock serve` with memory_limiter, resource and batch, and the agent of the PyPI wheel `rotel` with its
batches and a resource attribute, get the same requests from `loadgen ingest`, one after the other. What the three promise with an
answer differs, and the report says so. Measures; judges nothing.

    bench/collector.py [--quick] [--server target/release/bellrock] [--loadgen target/release/loadgen] [--rotel FILE]
"""

import datetime
import json
import pathlib
import shutil
import socket
import subprocess
import time

import harness
from harness import Process, commit, free_ports, machine, parse, parser, publish, say, scratch_folder, thousands

# Signal, records of a request, connections.
LOADS = [("spans", 1000, 4), ("logs", 1000, 4), ("spans", 20, 32), ("logs", 20, 32)]
WAYS = [("http", "identity"), ("http", "gzip"), ("grpc", "identity"), ("grpc", "gzip")]
ROUNDS = 2
LATENCY_S = 10

PIPELINE = """
receivers:
  otlp: {{protocols: {{http: {{endpoint: '127.0.0.1:{http}'}}, grpc: {{endpoint: '127.0.0.1:{grpc}'}}}}}}
processors:
  memory_limiter: {{check_interval: 1s, limit_mib: 1000}}
  resource: {{attributes: [{{key: environment, value: bench, action: upsert}}]}}
  batch: {{}}
exporters:
  {exporter}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: {processors}, exporters: [{name}]}}
    logs: {{receivers: [otlp], processors: {processors}, exporters: [{name}]}}
"""
ALL = "[memory_limiter, resource, batch]"


def listening(*ports):
    def probe():
        for port in ports:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) != 0:
                    return False
        return True

    return probe


class Subject:
    """One of the servers under test, started afresh for each load."""

    def __init__(self, options, name, scratch, processors=ALL):
        self.name, self.data_dir = name, scratch / f"{name}-{time.monotonic_ns()}"
        self.http, self.grpc, *others = free_ports(8)
        if name == "rotel":
            command = [options.rotel, "start", "--otlp-http-endpoint", f"127.0.0.1:{self.http}"]
            command += ["--otlp-grpc-endpoint", f"127.0.0.1:{self.grpc}", "--exporter", "blackhole"]
            command += ["--otel-resource-attributes", "environment=bench"]
            self.data_dir.mkdir()
        else:
            # Nobody listens there: what is acknowledged lies in the queue.
            away = f"otlphttp: {{endpoint: 'http://127.0.0.1:{others[0]}', sending_queue: {{queue_size: 20000000000, sizer: bytes}}}}"
            exporter, component = (away, "otlphttp") if name == "collect" else ("bellrock: {}", "bellrock")
            config = self.data_dir.with_suffix(".yaml")
            config.write_text(PIPELINE.format(http=self.http, grpc=self.grpc, exporter=exporter, name=component, processors=processors))
            command = [options.server, name, "--config", config, "--data-dir", self.data_dir]
            if name == "serve":
                for face, port in zip(("api", "ui", "health", "metrics", "alertmanager"), others[1:]):
                    command += [f"--{face}-listen", f"127.0.0.1:{port}"]
        self.process = Process(command, self.data_dir, listening(self.http, self.grpc))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # What lies in the queue has nowhere to go: nothing is waited for.
        self.process.kill()
        self.process.stop()
        shutil.rmtree(self.data_dir, ignore_errors=True)

    def load(self, options, load, way, records, rate=None):
        (signal, batch, connections), (protocol, encoding) = load, way
        port = self.grpc if protocol == "grpc" else self.http
        command = [options.loadgen, "ingest", "--signal", signal, "--records", records]
        command += ["--batch", batch] if batch != 1000 else []
        command += ["--connections", connections, "--endpoint", f"http://127.0.0.1:{port}"]
        command += ["--protocol", protocol, "--encoding", encoding]
        command += ["--rate", rate] if rate else []
        before = self.process.cpu_seconds()
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: {done.stderr[-1000:]}\n{self.process.output()}")
        report = json.loads(done.stdout)
        report["cpu"] = self.process.cpu_seconds() - before
        # What a server has put off is its price too.
        self.process.settle()
        report["cpu_settled"] = self.process.cpu_seconds() - before
        report["peak_mib"] = self.process.memory_mib("VmHWM")
        return report


def measure(options, scratch, subjects):
    """Rates of every load and way: those of all subjects one after the other, and again."""
    found = {}
    for load in LOADS:
        records = options.records if load[1] > 100 else options.records // 4
        for way in WAYS:
            for _ in range(options.rounds):
                for name in subjects:
                    say(f"{name}: {load[0]}, {load[1]} a request, {way[0]} {way[1]}")
                    with Subject(options, name, scratch) as subject:
                        # Buffers and code get warm.
                        subject.load(options, load, way, records // 10)
                        report = subject.load(options, load, way, records)
                    of = found.setdefault((load, way, name), {"rates": [], "settled": [], "peak": [], "p99": []})
                    of["rates"].append(report["records"] / report["cpu"])
                    of["settled"].append(report["records"] / report["cpu_settled"])
                    of["peak"].append(report["peak_mib"])
                    of["p99"].append(report["ack_ms"]["p99"])
    return found


def latency(options, scratch, fastest):
    """Answers at half of what was taken: with the processors, and without."""
    rows = []
    for name in ("collect", "serve"):
        for processors in (ALL, "[]"):
            for load in LOADS[:2]:
                rate = int(fastest[(load[0], name)] / 2)
                with Subject(options, name, scratch, processors) as subject:
                    report = subject.load(options, load, WAYS[0], rate * options.latency_s, rate)
                    rows.append((name, processors == ALL, load[0], rate, report["ack_ms"]))
    return rows


def mean(values):
    return sum(values) / len(values)


def table(found, subjects):
    lines = [
        "| load | way | " + " | ".join(f"{name}" for name in subjects) + " | collect / rotel | serve / rotel | peak MiB " + ", ".join(subjects) + " |",
        "|---|---|" + "--:|" * (len(subjects) + 3),
    ]
    for load in LOADS:
        for way in WAYS:
            of = {name: found[(load, way, name)] for name in subjects if (load, way, name) in found}
            if len(of) < len(subjects):
                continue
            # The engines seal blocks behind the answer; of the others nothing is left to do then.
            rates = {name: mean(of[name]["settled"] if name == "serve" else of[name]["rates"]) for name in subjects}
            ratio = lambda name: f"{rates[name] / rates['rotel']:.1f}x" if "rotel" in rates else "-"
            peaks = ", ".join(f"{max(of[name]['peak']):.0f}" for name in subjects)
            cells = " | ".join(thousands(rates[name]) for name in subjects)
            lines.append(f"| {load[0]}, {load[1]} a request | {way[0]} {way[1]} | {cells} | {ratio('collect')} | {ratio('serve')} | {peaks} |")
    return "\n".join(lines)


def idle(options, scratch):
    with Subject(options, "collect", scratch) as subject:
        time.sleep(3)
        return subject.process.memory_mib("VmRSS")


def main():
    made = parser(__doc__, "a tenth of the records, one round")
    wheel = sorted((harness.ROOT / "bench/.venv").glob("lib/python*/site-packages/rotel/rotel-agent"))
    made.add_argument("--rotel", type=pathlib.Path, default=wheel[-1] if wheel else None, help="the agent of the wheel")
    made.add_argument("--records", type=int, default=1_000_000)
    options = parse(made)
    options.rounds, options.latency_s = (1, 3) if options.quick else (ROUNDS, LATENCY_S)
    if options.quick:
        options.records //= 5
    subjects = ["collect", "serve"] + (["rotel"] if options.rotel else [])
    started = datetime.datetime.now()
    with scratch_folder(options) as scratch:
        resident = idle(options, scratch)
        found = measure(options, scratch, subjects)
        fastest = {}
        for (load, way, name), of in found.items():
            if load[1] == 1000 and way == WAYS[0]:
                fastest[(load[0], name)] = min(of["rates"])
        waits = latency(options, scratch, fastest)
    lines = [
        f"# Pipelines, {started:%Y-%m-%d %H:%M}",
        "",
        f"{machine()}, commit {commit()}. {thousands(options.records)} records a run (a quarter of that in small requests), {options.rounds} rounds, "
        "the servers in turn. Items per CPU-second of the server (user and system, of *serve* until its background work has settled).",
        "",
        table(found, subjects),
        "",
        "*collect* answers when the request is synced in the queue on disk, *serve* when it is synced in the log of the engine and visible to "
        "queries; *rotel* when it is in a channel in memory, and throws it away behind its batches.",
        "",
        f"`collect` at rest: {resident:.1f} MiB resident.",
        "",
        "Answers at half the rate that the slowest round took per CPU-second, HTTP, 1,000 a request, fsync included:",
        "",
        "| server | processors | load | records/s | p50 ms | p99 ms |",
        "|---|---|---|--:|--:|--:|",
    ]
    for name, processed, signal, rate, ack in waits:
        lines.append(f"| {name} | {'all three' if processed else 'none'} | {signal} | {thousands(rate)} | {ack['p50']:.1f} | {ack['p99']:.1f} |")
    publish("\n".join(lines) + "\n", started, options, "-collector")


if __name__ == "__main__":
    main()
