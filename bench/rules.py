"""What rules and alerts cost: CPU time, lag, missed evaluations, memory.

`rules`: ten thousand rules by default, a thousand groups at 15 s: thresholds on rates, ratios of sums, recorded sums, and alerts on
what was recorded. `alerts`: fifty thousand alerts that fire in a thousand groups, told to a webhook on this machine; how long people
and messages wait for them. Series are sent every 15 s as text. Python's standard library only.
"""

import argparse
import datetime
import http.client
import http.server
import json
import pathlib
import shutil
import statistics
import tempfile
import threading
import time

from harness import Process, free_ports, say


def rules(groups, interval):
    """Ten rules per group, of five kinds."""
    lines = ["groups:"]
    for g in range(groups):
        lines += [f"  - name: g{g}", f"    interval: {interval}s", "    rules:"]
        service = f's{g % 200}'
        lines += [
            f"      - {{record: 'requests:rate5m:g{g}', expr: 'sum by (service) (rate(requests_total{{service=\"{service}\"}}[5m]))'}}",
            f"      - {{record: 'errors:rate5m:g{g}', expr: 'sum by (service) (rate(requests_total{{service=\"{service}\",code=\"500\"}}[5m]))'}}",
            f"      - {{alert: ErrorRatio, expr: 'errors:rate5m:g{g} / requests:rate5m:g{g} > 0.05', for: 2m, labels: {{severity: critical}}, annotations: {{summary: '{{{{ $value | humanizePercentage }}}} of {{{{ $labels.service }}}}'}}}}",
            f"      - {{alert: Idle, expr: 'requests:rate5m:g{g} == 0', for: 5m, labels: {{severity: warning}}}}",
        ]
        for n in range(6):
            lines.append(
                f"      - {{alert: 'Load{n}', expr: 'load{{service=\"{service}\"}} > {90 + n}', for: 1m, labels: {{severity: warning}},"
                f" annotations: {{summary: 'load {{{{ $value }}}} of {{{{ $labels.service }}}}'}}}}"
            )
    return "\n".join(lines) + "\n"


def samples(step):
    lines = []
    for s in range(200):
        for code, per_step in (("200", 150), ("500", 1 + s % 12)):
            lines.append(f'requests_total{{service="s{s}",code="{code}"}} {step * per_step}')
        lines.append(f'load{{service="s{s}"}} {80 + (s * 7 + step) % 20}')
    return "\n".join(lines) + "\n"


def many_alerts(options):
    """A rule per group; every series of its shard raises an alert."""
    lines = ["groups:"]
    for g in range(options.groups):
        lines += [
            f"  - name: g{g}",
            f"    interval: {options.interval}s",
            f"    rules: [{{alert: Full, expr: 'load{{shard=\"s{g}\"}} > 90', labels: {{severity: warning}},"
            " annotations: {summary: 'load {{ $value }} of {{ $labels.instance }}'}}]",
        ]
    return "\n".join(lines) + "\n"


GROUP_WAIT_S = 5
ALERTMANAGER = """
route: {{receiver: sink, group_by: [shard], group_wait: {wait}s, group_interval: 30s, repeat_interval: 4h}}
receivers: [{{name: sink, webhook_configs: [{{url: 'http://127.0.0.1:{port}/'}}]}}]
inhibit_rules: [{{source_matchers: [severity=critical], target_matchers: [severity=warning], equal: [shard]}}]
"""


def many_series(options, new):
    """`new` of the shards have one series more."""
    lines = []
    for g in range(options.groups):
        for n in range(options.alerts // options.groups + (g < new)):
            lines.append(f'load{{shard="s{g}",instance="i{n}",zone="z{n % 3}",job="node"}} {91 + (g + n) % 9}')
    return "\n".join(lines) + "\n"


class Sink:
    """A webhook that notes how long after its newest alert began each message came."""

    def __init__(self):
        self.late = []
        self.alerts = 0
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                now = time.time()
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()
                message = json.loads(body)
                begun = max(datetime.datetime.fromisoformat(a["startsAt"]).timestamp() for a in message["alerts"])
                sink.late.append(now - begun)
                sink.alerts += len(message["alerts"])

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self):
        late, self.late = self.late, []
        return late

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Server:
    def __init__(self, options, folder, *more):
        names = ("otlp-grpc", "otlp-http", "api", "ui", "health", "metrics", "alertmanager")
        self.ports = dict(zip(names, free_ports(len(names))))
        listen = [f"--{name}-listen=127.0.0.1:{port}" for name, port in self.ports.items()]
        config = folder / "bellrock.yaml"
        config.write_text(f"rule_files: [{folder}/rules.yaml]\n")
        command = [options.bellrock, "serve", f"--config={config}", f"--data-dir={folder / 'data'}", *listen, *more]
        self.process = Process(command, folder / "data", lambda: self.request("health", "GET", "/ready")[0] == 200)

    def request(self, face, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[face], timeout=60)
        try:
            connection.request(method, path, body)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def metrics(self):
        found = {}
        for line in self.request("metrics", "GET", "/metrics")[1].splitlines():
            if not line.startswith("#") and " " in line:
                name, value = line.rsplit(" ", 1)
                name = name.split("{")[0]
                found[name] = found.get(name, 0.0) + float(value)
        return found


def measure(options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rules-"))
    (folder / "data").mkdir()
    (folder / "rules.yaml").write_text(rules(options.groups, options.interval))
    server = Server(options, folder)
    try:
        step, begun = 0, time.monotonic()
        before = cpu = None
        end = begun + options.warm + options.seconds
        lag = 0.0
        while time.monotonic() < end:
            status, text = server.request("api", "POST", "/api/v1/import/prometheus", samples(step))
            if status not in (200, 204):
                raise RuntimeError(f"samples were refused: {status} {text}")
            step += 1
            now = server.metrics()
            if before is None and time.monotonic() >= begun + options.warm:
                before, cpu, since = now, server.process.cpu_seconds(), time.monotonic()
            elif before is not None:
                lag = max(lag, now["bellrock_rules_lag_seconds"])
            time.sleep(max(0.0, min(end, begun + step * 15) - time.monotonic()))
        after, seconds = server.metrics(), time.monotonic() - since
        of = lambda name: after[name] - before[name]
        evaluations = of("prometheus_rule_evaluations_total")
        return {
            "rules": options.groups * 10,
            "interval_s": options.interval,
            "seconds": round(seconds, 1),
            "evaluations": int(evaluations),
            "failures": int(of("prometheus_rule_evaluation_failures_total")),
            "missed": int(of("prometheus_rule_group_iterations_missed_total")),
            "lag_s_max": round(lag, 3),
            "ms_per_evaluation": round(1000 * of("prometheus_rule_evaluation_duration_seconds_sum") / evaluations, 4),
            "cores": round((server.process.cpu_seconds() - cpu) / seconds, 3),
            "rss_mib": round(server.process.memory_mib("VmRSS"), 1),
        }
    finally:
        server.process.stop()
        shutil.rmtree(folder, ignore_errors=True)


def spread(values):
    """Median, the one that 1 % exceed, and the largest, in seconds."""
    if not values:
        return None
    ordered = sorted(values)
    at = lambda share: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)
    return {"count": len(ordered), "p50": round(statistics.median(ordered), 2), "p99": at(0.99), "max": round(ordered[-1], 2)}


def timed(server, face, path):
    begun = time.monotonic()
    status, text = server.request(face, "GET", path)
    seconds = time.monotonic() - begun
    if status != 200:
        raise RuntimeError(f"{path}: {status} {text[:200]}")
    return seconds, text


def measure_alerts(options):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="alerts-"))
    (folder / "data").mkdir()
    (folder / "rules.yaml").write_text(many_alerts(options))
    sink = Sink()
    (folder / "alertmanager.yml").write_text(ALERTMANAGER.format(wait=GROUP_WAIT_S, port=sink.port))
    server = Server(options, folder, f"--alertmanager-config={folder / 'alertmanager.yml'}")
    result = {"alerts": options.alerts, "groups": options.groups, "interval_s": options.interval}

    def feed(stop):
        step = 0
        while not stop.is_set():
            status, text = server.request("api", "POST", "/api/v1/import/prometheus", many_series(options, feed.new))
            if status not in (200, 204):
                feed.failed = f"{status} {text}"
            step += 1
            stop.wait(max(0.0, begun + step * 15 - time.monotonic()))

    feed.new, feed.failed = 0, None
    begun, stop = time.monotonic(), threading.Event()
    feeding = threading.Thread(target=feed, args=(stop,))
    feeding.start()
    try:
        deadline = begun + options.warm + 120
        while sink.alerts < options.alerts and time.monotonic() < deadline:
            time.sleep(0.2)
        if sink.alerts < options.alerts:
            raise RuntimeError(f"{sink.alerts} of {options.alerts} alerts were told after {deadline - begun:.0f} s")
        result["all_told_s"] = round(time.monotonic() - begun, 1)
        result["first_messages_after_group_wait_s"] = spread([late - GROUP_WAIT_S for late in sink.take()])
        time.sleep(options.warm)
        before, cpu, since, lag = server.metrics(), server.process.cpu_seconds(), time.monotonic(), 0.0
        while time.monotonic() - since < options.seconds:
            time.sleep(1)
            lag = max(lag, server.metrics()["bellrock_rules_lag_seconds"])
        after, seconds = server.metrics(), time.monotonic() - since
        result["cores"] = round((server.process.cpu_seconds() - cpu) / seconds, 3)
        result["seconds"] = round(seconds, 1)
        of = lambda name: after[name] - before[name]
        result["evaluations"] = int(of("prometheus_rule_evaluations_total"))
        result["lag_s_max"] = round(lag, 3)
        result["rss_mib"] = round(server.process.memory_mib("VmRSS"), 1)
        sink.take()
        feed.new = min(200, options.groups)
        reads = {}
        for face, path in (("alertmanager", "/api/v2/alerts"), ("alertmanager", "/api/v2/alerts/groups"), ("api", "/api/v1/alerts"), ("api", "/api/v1/rules")):
            took = [timed(server, face, path) for _ in range(5)]
            reads[path] = {"s": [round(seconds, 2) for seconds, _ in took], "mib": round(len(took[-1][1]) / 2**20, 1)}
        result["reads"] = reads
        deadline = time.monotonic() + 120
        while len(sink.late) < feed.new and time.monotonic() < deadline:
            time.sleep(0.2)
        # A group that was told waits for its interval, 30 s, and a rule for its own.
        result["messages_of_new_alerts_s"] = spread(sink.take())
        last = server.metrics()
        result["lag_s_max_while_read"] = round(last["bellrock_rules_lag_seconds"], 3)
        result["failures"] = int(last["prometheus_rule_evaluation_failures_total"])
        result["missed"] = int(last["prometheus_rule_group_iterations_missed_total"])
        result["timeline_lost"] = int(last["bellrock_alert_timeline_lost_total"])
        result["messages_failed"] = int(last["alertmanager_notifications_failed_total"])
        result["rss_mib_most"] = round(server.process.memory_mib("VmHWM"), 1)
        if feed.failed:
            raise RuntimeError(f"samples were refused: {feed.failed}")
        return result
    finally:
        stop.set()
        feeding.join()
        server.process.stop()
        sink.close()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", nargs="?", choices=("rules", "alerts"), default="rules")
    parser.add_argument("--bellrock", type=pathlib.Path, required=True, help="the server binary")
    parser.add_argument("--groups", type=int, default=1000)
    parser.add_argument("--alerts", type=int, default=50_000, help="that fire, over all groups")
    parser.add_argument("--interval", type=int, default=15, help="seconds")
    parser.add_argument("--warm", type=float, default=60, help="seconds before the measurement")
    parser.add_argument("--seconds", type=float, default=120)
    options = parser.parse_args()
    if options.scenario == "alerts":
        say(f"{options.alerts} alerts in {options.groups} groups at {options.interval} s")
        print(json.dumps(measure_alerts(options), indent=1))
    else:
        say(f"{options.groups * 10} rules at {options.interval} s")
        print(json.dumps(measure(options), indent=1))


if __name__ == "__main__":
    main()
