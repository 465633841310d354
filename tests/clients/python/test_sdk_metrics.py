"""The OpenTelemetry Python SDK exports metrics over gRPC and HTTP; PromQL gives back the same numbers."""

import time

import pytest
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk.metrics import AlwaysOnExemplarFilter, Counter, Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, MetricExportResult
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from harness import poll

EXPORTERS = {
    "grpc": lambda server: GrpcExporter(endpoint=server.url("otlp_grpc"), insecure=True),
    "http": lambda server: HttpExporter(endpoint=server.url("otlp_http", "/v1/metrics")),
}


@pytest.fixture(params=list(EXPORTERS))
def exporter(request, server):
    exporter = EXPORTERS[request.param](server)
    yield exporter
    exporter.shutdown()


class Recorder:
    def __init__(self, service, temporality=None):
        self.reader = InMemoryMetricReader(preferred_temporality=temporality)
        self.provider = MeterProvider(
            metric_readers=[self.reader],
            resource=Resource.create(
                {"service.name": service, "service.namespace": "shop", "service.instance.id": f"{service}-0"}
            ),
            exemplar_filter=AlwaysOnExemplarFilter(),
            views=[
                View(
                    instrument_name="*.duration", aggregation=ExplicitBucketHistogramAggregation(boundaries=[0.1, 0.5, 2.5])
                )
            ],
        )
        self.meter = self.provider.get_meter("shop.meter", "1.0")

    def export(self, exporter):
        assert exporter.export(self.reader.get_metrics_data()) == MetricExportResult.SUCCESS


def test_a_counter_has_its_total_and_its_labels(api, service, exporter):
    recorder = Recorder(service)
    orders = recorder.meter.create_counter("orders", unit="{order}", description="Orders placed.")
    orders.add(5, {"pay.method": "card", "ok": True})
    orders.add(2, {"pay.method": "card", "ok": True})
    orders.add(1.5, {"pay.method": "cash", "ok": False})
    recorder.export(exporter)

    labels, value = api.one(f'orders_total{{service="{service}",pay_method="card"}}')
    assert value == 7
    assert labels["__name__"] == "orders_total"
    assert (labels["service"], labels["job"], labels["instance"]) == (service, f"shop/{service}", f"{service}-0")
    assert labels["ok"] == "true"
    assert api.one(f'sum(orders_total{{service="{service}"}})')[1] == 8.5
    assert api.query(f'orders_total{{service="{service}",pay_method="none"}}') == []


def test_an_up_down_counter_and_a_gauge_have_their_last_value(api, service, exporter):
    recorder = Recorder(service)
    open_carts = recorder.meter.create_up_down_counter("carts.open")
    open_carts.add(10)
    open_carts.add(-13)
    recorder.meter.create_gauge("queue.depth").set(17.25, {"queue": "mail"})
    recorder.meter.create_observable_gauge("memory.free", unit="By", callbacks=[lambda _: [Observation(2**40)]])
    recorder.export(exporter)

    assert api.one(f'carts_open{{service="{service}"}}')[1] == -3
    labels, value = api.one(f'queue_depth{{service="{service}"}}')
    assert (value, labels["queue"]) == (17.25, "mail")
    assert api.one(f'memory_free_bytes{{service="{service}"}}')[1] == 2**40


def test_a_histogram_has_buckets_sum_count_and_quantiles(api, service, exporter):
    recorder = Recorder(service)
    duration = recorder.meter.create_histogram("request.duration", unit="s")
    for value in (0.05, 0.1, 0.3, 0.4, 2.0, 9.0):
        duration.record(value, {"route": "/v1/match"})
    recorder.export(exporter)

    name = "request_duration_seconds"
    selector = f'{{service="{service}",route="/v1/match"}}'
    assert api.one(f"{name}_count{selector}")[1] == 6
    assert api.one(f"{name}_sum{selector}")[1] == pytest.approx(11.85)
    buckets = {labels["le"]: value for labels, value in api.query(f"{name}_bucket{selector}")}
    assert {float(le): value for le, value in buckets.items()} == {0.1: 2, 0.5: 4, 2.5: 5, float("inf"): 6}
    # Half of 6 is rank 3: halfway from 0.1 to 0.5 in the bucket that holds ranks 3 and 4.
    median = api.one(f"histogram_quantile(0.5, {name}_bucket{selector})")[1]
    assert median == pytest.approx(0.3)


def test_exemplars_name_their_trace(api, service, exporter):
    recorder = Recorder(service)
    duration = recorder.meter.create_histogram("work.duration", unit="s")
    with TracerProvider().get_tracer("t").start_as_current_span("slow") as span:
        duration.record(1.25, {"route": "/slow"})
    recorder.export(exporter)
    trace_id = format(span.get_span_context().trace_id, "032x")

    def check():
        answer = api.json(
            "/api/v1/query_exemplars",
            query=f'work_duration_seconds_bucket{{service="{service}"}}',
            start=time.time() - 3600,
            end=time.time() + 60,
        )
        exemplars = [exemplar for series in answer["data"] for exemplar in series["exemplars"]]
        assert [(e["labels"]["trace_id"], float(e["value"])) for e in exemplars] == [(trace_id, 1.25)]
        return True

    poll.until("the exemplar", check, deadline_s=5)


def test_delta_sums_add_up(api, service, exporter):
    recorder = Recorder(
        service, {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}
    )
    jobs = recorder.meter.create_counter("jobs")
    for step in (3, 4):
        jobs.add(step)
        recorder.export(exporter)
    poll.until("3 + 4 jobs", lambda: [v for _, v in api.query(f'jobs_total{{service="{service}"}}')] == [7])


def test_series_labels_and_metadata_know_the_metric(api, service, exporter):
    recorder = Recorder(service)
    name = service.replace("-", ".")
    recorder.meter.create_counter(f"visits.{name}", description="Visits of the shop.").add(1, {"page": "home"})
    recorder.export(exporter)
    prom_name = f"visits_{name.replace('.', '_')}_total"
    api.one(prom_name)
    (series,) = api.json("/api/v1/series", **{"match[]": prom_name})["data"]
    assert (series["page"], series["service"]) == ("home", service)
    assert "page" in api.json("/api/v1/labels", **{"match[]": prom_name})["data"]
    assert api.json("/api/v1/label/page/values", **{"match[]": prom_name})["data"] == ["home"]
    metadata = api.json("/api/v1/metadata", metric=prom_name)["data"][prom_name]
    assert metadata[0]["type"] == "counter" and metadata[0]["help"] == "Visits of the shop."
