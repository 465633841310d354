#!/usr/bin/env python3
"""The metrics engine side by side with Prometheus and VictoriaMetrics, in one run.

Each server gets the same samples by remote write from `loadgen remote-write` (machines as a node exporter shows them),
answers the same PromQL over HTTP, is killed and started again. Prints one Markdown report, also written to
bench/results/. Peers come from Debian: `apt-get install prometheus victoria-metrics`; one that is missing is left out
and said so. Compare columns of one run; never figures of two.

    bench/metrics.py [--quick] [--server target/release/bellrock] [--loadgen target/release/loadgen]
"""

import datetime
import http.client
import json
import pathlib
import shutil
import statistics
import subprocess
import time
import urllib.parse

from harness import (
    Process, Server, answers_200, commit, folder_bytes, free_ports, machine, parse,
    parser, publish, say, scratch_folder, thousands,
)

WARM_RUNS = 5
MERGE_SECONDS = 20
# Requests that are all in one direction of time; what the peers' defaults would drop or limit is widened, nothing else.
PROMETHEUS_FLAGS = ["--web.enable-remote-write-receiver", "--web.enable-admin-api", "--storage.tsdb.retention.time=30d"]


class Bellrock(Server):
    name = "Bellrock"

    def __init__(self, options, data_dir):
        # What the server measures of itself is of now: next to that the samples of a day ago would be too old.
        config = pathlib.Path(data_dir).with_suffix(".yaml")
        config.write_text(f"metrics: {{out_of_order_time_window: {options.minutes + 120}m}}\n")
        self.options = options
        super().__init__(options.server, data_dir, ["--config", str(config)])
        self.api = self.ports["api"]
        self.write_url = f"http://127.0.0.1:{self.api}/api/v1/write"

    def sizes(self):
        """Bytes of samples and indexes once everything is in blocks, and those of windows that are over are merged.

        With the window for late samples that the run needs nothing would be over; the peers are told to merge, too."""
        self.stop()
        config = pathlib.Path(self.data_dir).with_suffix(".yaml")
        config.write_text("metrics: {out_of_order_time_window: 1m}\n")
        merging = Server(self.options.server, self.data_dir, ["--config", str(config)])
        # The first look at what may be merged comes some seconds after the start.
        time.sleep(MERGE_SECONDS)
        merging.settle()
        merging.stop()
        return folder_bytes(self.data_dir / "metrics", leave_out="wal")


class Prometheus(Process):
    name = "Prometheus"
    program = "prometheus"

    def __init__(self, _options, data_dir):
        (self.api,) = free_ports(1)
        self.write_url = f"http://127.0.0.1:{self.api}/api/v1/write"
        config = pathlib.Path(data_dir).with_suffix(".yml")
        config.write_text("global: {}\n")
        super().__init__(
            [self.program, f"--config.file={config}", f"--storage.tsdb.path={data_dir}",
             f"--web.listen-address=127.0.0.1:{self.api}", "--log.level=warn", *PROMETHEUS_FLAGS],
            data_dir, answers_200(self.api, "/-/ready"))

    def sizes(self):
        """Prometheus makes no block of the newest hours by itself; a snapshot does."""
        connection = http.client.HTTPConnection("127.0.0.1", self.api, timeout=300)
        connection.request("POST", "/api/v1/admin/tsdb/snapshot")
        answer = json.loads(connection.getresponse().read())
        self.stop()
        return folder_bytes(self.data_dir / "snapshots" / answer["data"]["name"])


class VictoriaMetrics(Process):
    name = "VictoriaMetrics"
    program = "victoria-metrics"

    def __init__(self, _options, data_dir):
        (self.api,) = free_ports(1)
        self.write_url = f"http://127.0.0.1:{self.api}/api/v1/write"
        super().__init__(
            [self.program, f"-storageDataPath={data_dir}", f"-httpListenAddr=127.0.0.1:{self.api}",
             "-retentionPeriod=1y", "-search.disableCache", "-search.maxUniqueTimeseries=1000000", "-loggerLevel=ERROR"],
            data_dir, answers_200(self.api, "/health"))

    def kill(self):
        """Ended in order: what it answered last lies in memory only, and queries would be about fewer samples than the others'."""
        self.stop()

    def sizes(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.api, timeout=300)
        connection.request("GET", "/internal/force_merge")
        connection.getresponse().read()
        self.settle()
        self.stop()
        return folder_bytes(self.data_dir)


def queries(end, span_s):
    """Name, expression, and step in seconds (0 for an instant query): those of docs/benchmarks.md."""
    return [
        ("sum(rate(cpu)) by instance, 60 s", 'sum by (instance) (rate(node_cpu_seconds_total[5m]))', 60),
        ("sum(rate(cpu)) by instance, 15 s", 'sum by (instance) (rate(node_cpu_seconds_total[5m]))', 15),
        ("histogram_quantile by le, 60 s",
         'histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))', 60),
        ("histogram_quantile by le, instance, 60 s",
         'histogram_quantile(0.99, sum by (le, instance) (rate(http_request_duration_seconds_bucket[5m])))', 60),
        ("rate of one host, 15 s", 'rate(node_cpu_seconds_total{instance="node-0042.internal:9100"}[5m])', 15),
        ("cluster network, 60 s", 'sum by (cluster) (rate(node_network_receive_bytes_total[5m]))', 60),
        ("alert, instant",
         'node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes < 0.1 or node_load1 > 100', 0),
        ("max_over_time, whole range, instant", f'max(max_over_time(node_load1[{span_s}s]))', 0),
        ("increase, whole range, instant", f'sum by (mode) (increase(node_cpu_seconds_total[{span_s}s]))', 0),
        ("count of everything, instant", 'count({__name__=~".+"})', 0),
    ]


def ask(port, query, step, end, span_s):
    path = "/api/v1/query_range" if step else "/api/v1/query"
    # Not on the grid of the samples, since some of the servers leave out the left end of a window and some do not.
    parameters = {"query": query, "nocache": "1"}
    if step:
        parameters |= {"start": f"{end - span_s + 300.123:.3f}", "end": f"{end - 0.877:.3f}", "step": f"{step}s"}
    else:
        parameters["time"] = f"{end + 0.123:.3f}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    begun = time.perf_counter()
    connection.request("GET", path + "?" + urllib.parse.urlencode(parameters))
    answer = connection.getresponse()
    body = answer.read()
    took = (time.perf_counter() - begun) * 1e3
    if answer.status != 200:
        return f"HTTP {answer.status} {body[:120].decode(errors='replace')}", took
    return json.loads(body)["data"]["result"], took


def summary(result):
    """Series and the sum of all values: whether two servers answered alike."""
    values = [float(v[1]) for s in result for v in (s["values"] if "values" in s else [s["value"]])]
    return len(result), len(values), sum(v for v in values if v == v and abs(v) != float("inf"))


def write(options, server, **how):
    command = [str(options.loadgen), "remote-write", "--url", server.write_url, "--hosts", str(options.hosts),
               "--end", str(options.end_ns), "--jitter", options.jitter, "--connections", str(options.connections), "--duration", f"{options.minutes}m"]
    for name, value in how.items():
        command += ["--" + name.replace("_", "-"), str(value)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}\nserver:\n{server.output()}")
    return json.loads(done.stdout)


def measure(options, kind, scratch):
    say(f"{kind.name}: ingest")
    span_s = options.minutes * 60
    end = options.end_ns / 1e9
    data_dir = scratch / kind.name.lower()
    server = kind(options, data_dir)
    try:
        before = server.cpu_seconds()
        sent = write(options, server)
        acked = server.cpu_seconds() - before
        server.settle()
        out = {"sent": sent, "cpu_at_ack": acked, "cpu": server.cpu_seconds() - before,
               "rss": server.memory_mib("VmRSS"), "peak": server.memory_mib("VmHWM")}
        say(f"{kind.name}: kill and start again")
        server.kill()
        server = kind(options, data_dir)
        out["restart_s"] = server.start_seconds
        server.settle()
        out["queries"] = {}
        for name, query, step in queries(end, span_s):
            say(f"{kind.name}: {name}")
            result, first = ask(server.api, query, step, end, span_s)
            if isinstance(result, str):
                out["queries"][name] = result
                continue
            begun = server.cpu_seconds()
            walls = [ask(server.api, query, step, end, span_s)[1] for _ in range(WARM_RUNS)]
            out["queries"][name] = {
                "first": first, "wall": statistics.median(walls), "cpu": (server.cpu_seconds() - begun) / WARM_RUNS,
                "answer": summary(result),
            }
        out["disk"] = server.sizes()
        return out
    finally:
        server.stop()
        shutil.rmtree(data_dir, ignore_errors=True)


def report(options, started, results):
    series = options.hosts * 100
    out = [
        f"# Metrics side by side, {started:%Y-%m-%d %H:%M} UTC", "",
        f"Machine: {machine()}. Commit: {commit() or 'unknown'}. {thousands(series)} series, {options.minutes} minutes at "
        f"15 s, scraped up to {options.jitter} late, remote write 1.0, 2,000 samples a request, {options.connections} connections; client and servers share the machine.", "",
        "Bellrock answers after fsync; Prometheus and VictoriaMetrics before. Disk is everything once it is in blocks, "
        "indexes included. CPU is user and system time of the server; queries are warm, without a cache of results.", "",
        "| server | samples/s wall | samples per CPU-second | ack p50 ms | ack p99 ms | RSS MiB | RSS bytes/series | peak MiB "
        "| disk bytes/sample | ready after SIGKILL s |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, m in results.items():
        sent = m["sent"]
        n = sent["samples"]
        out.append(
            f"| {name} | {thousands(n / sent['wall_seconds'])} | {thousands(n / m['cpu'])} | {sent['ack_ms']['p50']:.1f} "
            f"| {sent['ack_ms']['p99']:.1f} | {m['rss']:.0f} | {m['rss'] * 2**20 / series:.0f} | {m['peak']:.0f} "
            f"| {m['disk'] / n:.2f} | {m['restart_s']:.2f} |")
    names = list(results)
    out += ["", "CPU milliseconds of a query (wall in parentheses), and the ratio of each peer's CPU time to Bellrock's.", "",
            "| query | " + " | ".join(names) + " | ratios | same answer |",
            "|---|" + "--:|" * len(names) + "---|---|"]
    for name, _, _ in queries(0, options.minutes * 60):
        cells, cpu, answers = [], {}, {}
        for server in names:
            q = results[server]["queries"][name]
            if isinstance(q, str):
                cells.append(q)
                continue
            cpu[server], answers[server] = q["cpu"], q["answer"]
            cells.append(f"{q['cpu'] * 1e3:.0f} ({q['wall']:.0f})")
        ratios = [f"{s} {cpu[s] / max(cpu['Bellrock'], 1e-3):.1f}x" for s in cpu if s != "Bellrock" and "Bellrock" in cpu]
        out.append(f"| {name} | " + " | ".join(cells) + f" | {', '.join(ratios)} | {agreement(answers)} |")
    return "\n".join(out) + "\n"


def agreement(answers):
    """Who has other series or points than Bellrock, or a sum that differs by more than a thousandth."""
    ours = answers.get("Bellrock")
    if ours is None:
        return "-"
    differs = []
    for server, theirs in answers.items():
        near = abs(ours[2] - theirs[2]) <= 1e-3 * max(abs(ours[2]), abs(theirs[2]))
        if ours[:2] != theirs[:2] or not near:
            differs.append(f"{server}: {theirs[0]} series, {theirs[1]} points, sum {theirs[2]:.6g}, not {ours}")
    return "; ".join(differs) or "yes"


def arguments():
    made = parser(__doc__.split("\n", 1)[0], "100 hosts and 10 minutes instead of 2,000 and 60")
    made.add_argument("--hosts", type=int, help="machines of 100 series each")
    made.add_argument("--minutes", type=int, help="how long they were watched, every 15 s")
    made.add_argument("--connections", type=int, default=4, help="1 for few hosts over many hours: one that runs ahead "
                      "makes the samples of the others too old")
    made.add_argument("--jitter", default="5ms", help="each scrape of a machine is up to so much late, all its series alike")
    made.add_argument("--only", action="append", default=[], help="Bellrock, Prometheus or VictoriaMetrics; may repeat")
    options = parse(made)
    options.hosts = options.hosts or (100 if options.quick else 2_000)
    options.minutes = options.minutes or (10 if options.quick else 60)
    options.end_ns = time.time_ns()
    return options


def main():
    options = arguments()
    started = datetime.datetime.now(datetime.timezone.utc)
    results = {}
    with scratch_folder(options) as scratch:
        for kind in (Bellrock, Prometheus, VictoriaMetrics):
            if options.only and kind.name not in options.only:
                continue
            if kind is not Bellrock and not shutil.which(kind.program):
                say(f"{kind.name} is not installed and is left out")
                continue
            results[kind.name] = measure(options, kind, scratch)
    text = report(options, started, results)
    publish(text, started, options, "-metrics")


if __name__ == "__main__":
    main()
