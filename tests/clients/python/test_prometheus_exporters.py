"""Metrics on their way out: shown at a port that a real Prometheus scrapes, and written to a real Prometheus and to us."""

import time

import pytest
import requests
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality

from harness import otlp, poll, prometheus
from harness.api import Api
from harness.collector import Collector
from harness.prometheus import Prometheus
from harness.server import free_port

pytestmark = pytest.mark.skipif(not prometheus.installed(), reason=prometheus.MISSING)

CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))
BOUNDS, COUNTS = [0.1, 1.0], [3, 2, 1]


def request_of(step, gone=True):
    """A counter, a gauge and a histogram with an exemplar; with `gone` one series that does not come again."""
    now, begin = time.time_ns(), time.time_ns() - 60_000_000_000
    request = otlp.gauge("shop", "queue.length", ({"queue": "mail"}, now, 7.0 + step))
    if gone:
        point = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points.add()
        otlp.add_attributes(point.attributes, {"queue": "gone"})
        point.time_unix_nano, point.as_double = now, 1.0
    otlp.add_attributes(request.resource_metrics[0].resource.attributes, {"service.instance.id": "one", "host.name": "h1"})
    metrics = request.resource_metrics[0].scope_metrics[0].metrics
    counter = metrics.add(name="http.requests", unit="{request}", description="Requests answered")
    counter.sum.aggregation_temporality, counter.sum.is_monotonic = CUMULATIVE, True
    point = counter.sum.data_points.add(start_time_unix_nano=begin, time_unix_nano=now, as_int=40 + step)
    otlp.add_attributes(point.attributes, {"http.route": "/cart", "code": 200})
    latency = metrics.add(name="http.latency", unit="s")
    latency.histogram.aggregation_temporality = CUMULATIVE
    point = latency.histogram.data_points.add(
        start_time_unix_nano=begin, time_unix_nano=now, count=sum(COUNTS), sum=2.5, bucket_counts=COUNTS, explicit_bounds=BOUNDS
    )
    point.exemplars.add(time_unix_nano=now, as_double=0.7, trace_id=TRACE, span_id=SPAN)
    return request.SerializeToString()


def post(agent, step, gone=True):
    answer = otlp.post(agent, "metrics", request_of(step, gone))
    assert answer.status_code == 200, answer.content


SHOWN = """
receivers:
  otlp: {protocols: {http: {endpoint: '{http}'}}}
exporters:
  prometheus:
    endpoint: '127.0.0.1:PORT'
    const_labels: {environment: ci}
    metric_expiration: 2s
    resource_to_telemetry_conversion: {enabled: true}
service:
  pipelines:
    metrics: {receivers: [otlp], exporters: [prometheus]}
"""


def test_a_real_prometheus_scrapes_what_is_shown(tmp_path):
    port = free_port()
    agent = Collector(tmp_path / "agent", SHOWN.replace("PORT", str(port))).start()
    config = f"global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: agent, honor_labels: true, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
    theirs = Prometheus(tmp_path / "prometheus", config)
    theirs.features.append("exemplar-storage")
    try:
        post(agent, 0)
        with theirs:

            steps = iter(range(1, 1000))

            def scraped():
                """The counter goes on while it is scraped."""
                step = next(steps)
                post(agent, step, gone=step < 2)
                found = theirs.query("http_requests_total")
                assert len(found) == 1
                labels, value = found[0]
                assert (labels["http_route"], labels["code"], labels["environment"], labels["host_name"]) == ("/cart", "200", "ci", "h1")
                return value > 41

            poll.until("the counter", scraped, deadline_s=20, every_s=0.2)
            ((labels, value),) = theirs.query("queue_length{queue='mail'}")
            assert value >= 7 and labels["environment"] == "ci"
            buckets = {labels["le"]: value for labels, value in theirs.query("http_latency_seconds_bucket")}
            assert {float(bound): value for bound, value in buckets.items()} == {0.1: 3, 1: 5, float("inf"): 6}
            assert theirs.query("http_latency_seconds_count")[0][1] == 6 and theirs.query("http_latency_seconds_sum")[0][1] == 2.5
            assert theirs.query("up")[0][1] == 1

            # They understood exemplars and types.
            def exemplars():
                parameters = {"query": "http_latency_seconds_bucket", "start": time.time() - 60, "end": time.time() + 60}
                return requests.get(theirs.url + "/api/v1/query_exemplars", params=parameters, timeout=10).json()["data"]

            (found,) = poll.until("exemplars", exemplars)
            assert found["exemplars"][0]["labels"] == {"trace_id": TRACE.hex(), "span_id": SPAN.hex()}
            assert float(found["exemplars"][0]["value"]) == 0.7
            types = requests.get(theirs.url + "/api/v1/targets/metadata", timeout=10).json()["data"]
            by_name = {entry["metric"]: entry for entry in types}
            kinds = {name: by_name[name]["type"] for name in by_name if not name.startswith("scrape")}
            assert kinds.get("http_requests_total", kinds.get("http_requests")) == "counter" and kinds["queue_length"] == "gauge"
            assert kinds["http_latency_seconds"] == "histogram"

            # What does not come again is not shown any more.
            def expired():
                post(agent, next(steps), gone=False)
                return theirs.query("queue_length{queue='gone'}") == []

            poll.until("the series that is gone", expired, deadline_s=15, every_s=0.2)
            assert theirs.query("queue_length{queue='mail'}") != []
            text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5)
            assert text.headers["Content-Type"].startswith("text/plain") and 'queue="gone"' not in text.text
            code, _, said = prometheus.promtool_check(text.text)
            assert code == 0, said
    finally:
        assert "panicked at" not in agent.log()
        agent.terminate()


WRITTEN = """
receivers:
  otlp: {protocols: {http: {endpoint: '{http}'}}}
exporters:
  prometheusremotewrite/theirs: {endpoint: 'THEIRS/api/v1/write', external_labels: {cluster: c1}, RETRY}
  prometheusremotewrite/ours: {endpoint: 'OURS/api/v1/write', external_labels: {cluster: c1}, RETRY}
service:
  pipelines:
    metrics: {receivers: [otlp], exporters: [prometheusremotewrite/theirs, prometheusremotewrite/ours]}
"""


def test_remote_write_to_a_real_prometheus_and_to_us(own_server, tmp_path):
    theirs = Prometheus(tmp_path / "prometheus")
    yaml = WRITTEN.replace("THEIRS", theirs.url).replace("OURS", own_server.url("api"))
    agent = Collector(tmp_path / "agent", yaml.replace("RETRY", "retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}")).start()
    try:
        # Their server is not up yet: what waits is written when it is.
        post(agent, 0)
        with theirs:
            poll.until("what waited", lambda: theirs.query("http_requests_total"), deadline_s=20)
            post(agent, 5)
            names = '{__name__=~"http_requests_total|queue_length|http_latency_seconds_(bucket|count|sum)"}'
            poll.until("the second", lambda: theirs.query("http_requests_total")[0][1] == 45)
            api = Api(own_server.url("api"))

            def series(found):
                return {tuple(sorted(labels.items())): value for labels, value in found}

            def same():
                answer = api.json("/api/v1/query", query=names)["data"]["result"]
                ours = series([(one["metric"], float(one["value"][1])) for one in answer])
                assert ours == series(theirs.query(names)) and len(ours) == 8, ours
                return True

            poll.until("the same series", same)
            ((labels, _),) = theirs.query("http_requests_total")
            assert (labels["job"], labels["instance"], labels["cluster"], labels["code"]) == ("shop", "one", "c1", "200")
            ((target, value),) = theirs.query("target_info")
            assert value == 1 and target["host_name"] == "h1" and target["job"] == "shop"
        assert "dropped" not in agent.log() and "panicked at" not in agent.log()
    finally:
        agent.terminate()
