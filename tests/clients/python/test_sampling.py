"""Samplers in a Collector's file decide what is stored, and nothing else: every span is counted, once, also over a SIGKILL."""

import os
import time

import pytest
import requests

from harness import otlp, poll
from harness.backend import BackEnd
from harness.server import Server, free_port

CONFIG = """
derived: {{step: 1s}}
receivers:
  otlp: {{protocols: {{grpc: , http: }}}}
  prometheus:
    config:
      scrape_configs:
        - {{job_name: otel-collector, scrape_interval: 1s, static_configs: [{{targets: ['0.0.0.0:8888']}}]}}
processors:
  memory_limiter: {{limit_mib: 1000, check_interval: 1s}}
  batch: {{timeout: 1s, send_batch_size: 1024}}
  filter: {{traces: {{span: ['name == "GET /health"']}}}}
  tail_sampling:
    decision_wait: {wait}
    policies:
      - {{name: errors, type: status_code, status_code: {{status_codes: [ERROR]}}}}
      - {{name: slow, type: latency, latency: {{threshold_ms: 1000}}}}
      - {{name: some, type: probabilistic, probabilistic: {{sampling_percentage: 20}}}}
exporters:
  clickhouse: {{endpoint: 'tcp://clickhouse:9000', database: signoz_traces}}
  otlphttp: {{endpoint: '{backend}', sending_queue: {{queue_size: 1000}}}}
extensions:
  zpages: {{endpoint: '127.0.0.1:{zpages}'}}
service:
  extensions: [zpages]
  pipelines:
    traces:
      receivers: [otlp]
      processors: [memory_limiter, filter, tail_sampling, batch]
      exporters: [clickhouse, otlphttp]
    metrics: {{receivers: [prometheus], exporters: [clickhouse]}}
"""

# A policy that leaves no trace of what it left out.
RATE = """
derived: {{step: 1s}}
receivers: {{otlp: {{protocols: {{http: }}}}}}
processors:
  filter: {{traces: {{span: ['name == "GET /health"']}}}}
  tail_sampling:
    decision_wait: {wait}
    policies: [{{name: rate, type: rate_limiting, rate_limiting: {{spans_per_second: 6}}}}]
exporters: {{clickhouse: {{endpoint: 'tcp://clickhouse:9000', database: signoz_traces}}}}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [filter, tail_sampling], exporters: [clickhouse]}}
"""
OBJECTIVES = """
slos:
  requests:
    objective: 99%
    window: 1d
    indicator: {events: {signal: traces, total: 'service:api kind:server', bad: 'status:error'}}
  by_service:
    objective: 99%
    window: 1d
    group_by: [service, kind]
    indicator: {events: {signal: traces, total: '*', good: 'status!=error'}}
"""

OFTEN = 1 << 56
THRESHOLD = 0.8 * OFTEN
SERVER, CLIENT, ERROR = 2, 3, 2


class Traces:
    """What is sent, and what the policies keep of it."""

    def __init__(self):
        self.ids, self.kept, self.by_chance, self.errors = [], set(), set(), 0

    def request(self, n):
        """`web` calls `api`; of ten traces one fails and one is slow."""
        web, served = [], []
        start = time.time_ns()
        for _ in range(n):
            i, trace = len(self.ids), os.urandom(16)
            self.ids.append(trace.hex())
            failed, slow = i % 10 == 0, i % 10 == 1
            root, call = os.urandom(8), os.urandom(8)
            times = {"start_time_unix_nano": start, "end_time_unix_nano": start + (2_000_000_000 if slow else 3_000_000)}
            web.append({"trace_id": trace, "span_id": root, "name": "GET /", "kind": SERVER, **times})
            web.append({
                "trace_id": trace, "span_id": call, "parent_span_id": root, "name": "GET", "kind": CLIENT,
                "start_time_unix_nano": start, "end_time_unix_nano": start + 2_000_000,
            })
            served.append({
                "trace_id": trace, "span_id": os.urandom(8), "parent_span_id": call, "name": "GET /v1", "kind": SERVER,
                "start_time_unix_nano": start, "end_time_unix_nano": start + 1_000_000,
            })
            self.errors += failed
            chosen = int.from_bytes(trace[9:], "big") >= THRESHOLD
            if failed or slow:
                self.kept.add(trace.hex())
            elif chosen:
                self.kept.add(trace.hex())
                self.by_chance.add(trace.hex())
        first = len(self.ids) - n
        request = otlp.traces("web", *web)
        request.MergeFrom(otlp.traces("api", *served))
        health = {"trace_id": os.urandom(16), "span_id": os.urandom(8), "name": "GET /health", "kind": SERVER}
        request.MergeFrom(otlp.traces("web", {**health, "start_time_unix_nano": start, "end_time_unix_nano": start}))
        for at, span in enumerate(request.resource_spans[1].scope_spans[0].spans):
            if (first + at) % 10 == 0:
                span.status.code = ERROR
                event = span.events.add(name="exception", time_unix_nano=start)
                otlp.add_attributes(event.attributes, {"exception.type": "IOError", "exception.message": "port closed"})
        return request

    def send(self, server, n):
        answer = otlp.post(server, "traces", self.request(n).SerializeToString())
        assert answer.status_code == 200 and not otlp.RESPONSES["traces"].FromString(answer.content).HasField(
            "partial_success"
        ), answer.content


def total(server, query):
    found = requests.get(server.url("api", "/api/v1/query"), params={"query": query}, timeout=10).json()
    return sum(float(r["value"][1]) for r in found["data"]["result"])


def analysed(server, q):
    params = {"signal": "traces", "q": q, "from": "now-1h", "to": "now+1h"}
    answer = requests.get(server.url("api", "/api/v1/analyse"), params=params, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def stored(server):
    """Trace id -> its spans."""
    rows = analysed(server, "* | limit 10000")["records"]["spans"]
    found = {}
    for span in rows:
        found.setdefault(span["trace_id"], []).append(span)
    return found


@pytest.fixture
def setting(tmp_path):
    backend = BackEnd()
    backend.start()
    zpages = free_port()
    config = tmp_path / "otel.yaml"
    server = Server(tmp_path / "sampling")
    server.config, server.backend, server.zpages = config, backend, zpages

    def start(wait, text=CONFIG):
        config.write_text(text.format(wait=wait, backend=backend.url(), zpages=zpages))
        server.start(f"--config={config}")

    server.begin = start
    yield server
    server.kill()
    backend.stop()


def counted(server, traces):
    """Whether RED metrics, service graph and error groups say what was sent."""
    n = len(traces.ids)
    calls = total(server, "sum(traces_span_metrics_calls_total)")
    edges = total(server, 'sum(traces_service_graph_request_total{client="web",server="api"})')
    errors = requests.get(server.url("api", "/api/v1/errors"), timeout=10).json()["errors"]
    assert (calls, edges, sum(e["count"] for e in errors)) == (3.0 * n, float(n), traces.errors)
    return True


def test_everything_is_counted_and_what_policies_keep_is_stored(setting):
    server, traces = setting, Traces()
    server.begin("1s")
    for _ in range(10):
        traces.send(server, 20)
    poll.until("all are counted", lambda: counted(server, traces), 40)
    # These are acknowledged and held for an hour; then the process dies.
    assert server.terminate() == 0
    server.begin("3600s")
    for _ in range(5):
        traces.send(server, 20)
    held = set(traces.ids[200:])
    assert not held & set(stored(server)), "what is not decided is in no answer"
    server.kill()
    server.begin("1s")
    poll.until("those that were held are counted once, too", lambda: counted(server, traces), 40)
    found = stored(server)
    assert set(found) == traces.kept
    assert all(len(spans) == 3 for spans in found.values()), "each span is stored once"
    weight = OFTEN / (OFTEN - int(THRESHOLD))
    for trace, spans in found.items():
        stands_for = weight if trace in traces.by_chance else 1.0
        assert all(abs(s["adjusted_count"] / stands_for - 1) < 1e-3 for s in spans), spans
    table = analysed(server, "* | stats count(), count_adjusted()")["table"]
    kept, chance = 3 * len(traces.kept), 3 * len(traces.by_chance)
    assert table["rows"][0][0] == kept
    assert abs(table["rows"][0][1] - (kept - chance + chance * weight)) < 1, table
    assert table["adjusted"]["stored"] == kept
    assert abs(table["adjusted"]["rate"] - kept / table["rows"][0][1]) < 1e-9
    # The other back end gets what was kept, each span once.
    wanted = sorted(trace for trace in traces.kept for _ in range(3))
    poll.until("the other back end has what was kept", lambda: sorted(
        span.trace_id.hex()
        for _, request in server.backend.taken
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ) == wanted, 20)
    # A flush and a restart change nothing of it.
    assert server.terminate() == 0
    server.begin("1s")
    assert set(stored(server)) == traces.kept
    poll.until("counts go on", lambda: counted(server, traces), 20)


def test_objectives_on_spans_by_a_filter_count_rejected_spans_too(setting):
    server, traces = setting, Traces()
    server.begin("1s", RATE)
    answer = requests.post(server.url("api", "/api/v1/slos"), data=OBJECTIVES, timeout=10)
    assert answer.status_code == 200, answer.text

    def groups(name):
        found = requests.get(server.url("api", f"/api/v1/slos/{name}"), timeout=10).json()
        assert found.get("error") is None, found
        return {tuple(sorted(g["labels"].items())): (g["bad"], g["total"]) for g in found["groups"]}

    def exact():
        n = len(traces.ids)
        assert groups("requests") == {(): (traces.errors, n)}
        of = lambda service, kind: (("kind", kind), ("service", service))  # noqa: E731
        assert groups("by_service") == {
            of("api", "server"): (traces.errors, n), of("web", "server"): (0, n), of("web", "client"): (0, n),
        }  # fmt: skip
        return True

    for _ in range(10):
        traces.send(server, 20)
    poll.until("all are decided", lambda: total(server, "sum(traces_span_metrics_calls_total)") == 600 or None, 40)
    # Killed before any minute was counted: what was rejected is counted again from the log.
    server.kill()
    server.begin("3600s", RATE)
    for _ in range(5):
        traces.send(server, 20)
    # Held, and decided after another death.
    server.kill()
    server.begin("1s", RATE)
    poll.until("every span is counted", exact, 150)
    assert 0 < len(stored(server)) < 150, "most traces were rejected"
    # What was counted at ingest is kept with a checkpoint, also when no ring was saved since.
    assert server.terminate() == 0
    server.begin("1s", RATE)
    traces.send(server, 20)
    server.kill()
    server.begin("1s", RATE)
    poll.until("counts go on", exact, 150)


def test_components_count_under_the_names_of_the_collector(setting):
    server, traces = setting, Traces()
    server.begin("1s")
    for _ in range(3):
        traces.send(server, 10)
    poll.until("all are counted", lambda: counted(server, traces), 40)
    kept = 3 * len(traces.kept)

    def readings():
        text = requests.get(server.url("metrics", "/metrics"), timeout=10).text
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if line.startswith(("otelcol_", "bellrock_spans"))]
        return {series: float(value) for series, value in lines}

    def sent():
        found = readings()
        assert found['otelcol_exporter_sent_spans{exporter="otlphttp"}'] == kept
        return found

    found = poll.until("the other back end has them", sent, 20)
    expected = {
        'otelcol_receiver_accepted_spans{receiver="otlp",transport="http"}': 93,
        'otelcol_receiver_refused_spans{receiver="otlp",transport="http"}': 0,
        'otelcol_processor_accepted_spans{processor="memory_limiter"}': 93,
        'otelcol_processor_filter_spans_filtered{processor="filter"}': 3,
        'otelcol_processor_incoming_items{processor="filter",otel_signal="traces"}': 93,
        'otelcol_processor_outgoing_items{processor="filter",otel_signal="traces"}': 90,
        'otelcol_processor_tail_sampling_count_traces_sampled{processor="tail_sampling",policy="errors",sampled="true"}': 3,
        'otelcol_processor_tail_sampling_global_count_traces_sampled{processor="tail_sampling",sampled="true"}': len(
            traces.kept
        ),
        'otelcol_processor_tail_sampling_sampling_traces_on_memory{processor="tail_sampling"}': 0,
        'otelcol_exporter_sent_spans{exporter="clickhouse"}': 90,
        'bellrock_spans_rejected_total': 90 - kept,
        'otelcol_exporter_queue_size{exporter="otlphttp"}': 0,
        'otelcol_exporter_queue_capacity{exporter="otlphttp"}': 1000,
    }
    assert {series: found.get(series) for series in expected} == expected
    # The user's scrape target, mapped to our own port, brings them into the metrics engine.
    query = 'sum(otelcol_receiver_accepted_spans{job="otel-collector",receiver="otlp"})'
    poll.until("they are scraped", lambda: total(server, query) == 93.0, 20)
    page = requests.get(f"http://127.0.0.1:{server.zpages}/debug/metricz?format=json", timeout=10).json()
    names = {entry["name"] for entry in page}
    assert {"otelcol_receiver_accepted_spans", "otelcol_exporter_queue_size"} <= names, names
