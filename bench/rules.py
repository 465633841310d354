"""What it costs to evaluate many rules: CPU time per interval, lag, missed evaluations, memory.

Ten thousand rules by default, a thousand groups at 15 s: thresholds on rates, ratios of sums, recorded sums, and alerts on what was
recorded. Series are sent every 15 s as text. Python's standard library only.
"""

import argparse
import http.client
import json
import pathlib
import shutil
import tempfile
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


class Server:
    def __init__(self, options, folder):
        names = ("otlp-grpc", "otlp-http", "api", "ui", "health", "metrics", "alertmanager")
        self.ports = dict(zip(names, free_ports(len(names))))
        listen = [f"--{name}-listen=127.0.0.1:{port}" for name, port in self.ports.items()]
        config = folder / "bellrock.yaml"
        config.write_text(f"rule_files: [{folder}/rules.yaml]\n")
        command = [options.bellrock, "serve", f"--config={config}", f"--data-dir={folder / 'data'}", *listen]
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


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bellrock", type=pathlib.Path, required=True, help="the server binary")
    parser.add_argument("--groups", type=int, default=1000)
    parser.add_argument("--interval", type=int, default=15, help="seconds")
    parser.add_argument("--warm", type=float, default=60, help="seconds before the measurement")
    parser.add_argument("--seconds", type=float, default=120)
    options = parser.parse_args()
    say(f"{options.groups * 10} rules at {options.interval} s")
    print(json.dumps(measure(options), indent=1))


if __name__ == "__main__":
    main()
