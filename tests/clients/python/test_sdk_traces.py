"""The OpenTelemetry Python SDK exports spans over gRPC and HTTP; the API gives back exactly those."""

import time

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression as HttpCompression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from harness import api as expect
from harness import otlp, poll

ATTRIBUTES = {
    "text": "grüße ✓",
    "text.empty": "",
    "count": 42,
    "count.negative": -7,
    "count.max": 2**63 - 1,
    "count.min": -(2**63),
    "ratio": 0.1,
    "ratio.whole": 3.0,
    "ratio.tiny": 5e-324,
    "flag": True,
    "flag.off": False,
    "texts": ["a", "", "ß"],
    "counts": [1, -2, 3],
    "ratios": [0.5, 1.5],
    "flags": [True, False],
    "nothing": [],
}

EXPORTERS = {
    "grpc": lambda server: GrpcExporter(endpoint=server.url("otlp_grpc"), insecure=True),
    "http": lambda server: HttpExporter(endpoint=server.url("otlp_http", "/v1/traces")),
    "http-gzip": lambda server: HttpExporter(
        endpoint=server.url("otlp_http", "/v1/traces"), compression=HttpCompression.Gzip
    ),
}


@pytest.fixture(params=list(EXPORTERS))
def exporter(request, server):
    exporter = EXPORTERS[request.param](server)
    yield exporter
    exporter.shutdown()


class Recorder:
    """A tracer whose finished spans are exported by the test, so that it sees the result."""

    def __init__(self, service, **limits):
        self.finished = InMemorySpanExporter()
        resource = Resource.create(
            {"service.name": service, "service.version": "1.2.3", "host.cpus": 2, "shards": ["a", "b"]},
            schema_url="https://opentelemetry.io/schemas/1.37.0",
        )
        self.provider = TracerProvider(resource=resource, span_limits=SpanLimits(**limits) if limits else None)
        self.provider.add_span_processor(SimpleSpanProcessor(self.finished))
        self.tracer = self.provider.get_tracer("shop.checkout", "4.5", attributes={"scope.text": "s", "scope.n": 1})

    def export(self, exporter):
        spans = self.finished.get_finished_spans()
        assert exporter.export(spans) == SpanExportResult.SUCCESS
        return otlp.spans_json(encode_spans(spans))


def check_read_back(api, sent):
    trace_id = sent[0]["trace_id"]
    found = api.trace(trace_id, len(sent))
    for span in sent:
        assert expect.normal(found[span["span_id"]]) == expect.normal(span)
    return found


def test_every_part_of_a_span_reads_back(api, service, exporter):
    recorder = Recorder(service)
    elsewhere = SpanContext(
        trace_id=0x0102030405060708090A0B0C0D0E0F10,
        span_id=0x1112131415161718,
        is_remote=True,
        trace_flags=TraceFlags(1),
        trace_state=TraceState([("vendor", "v1"), ("other", "v2")]),
    )
    root = recorder.tracer.start_span("GET /cart", kind=SpanKind.SERVER, attributes=ATTRIBUTES)
    with_root = set_span_in_context(root)
    child = recorder.tracer.start_span(
        "SELECT cart",
        context=with_root,
        kind=SpanKind.CLIENT,
        links=[Link(elsewhere, {"why": "retry of", "attempt": 2})],
    )
    child.add_event("cache miss", {"key": "cart:7", "tries": 3, "ratios": [0.25]}, timestamp=time.time_ns())
    child.add_event("empty")
    try:
        raise ValueError("no such cart: 7")
    except ValueError as error:
        child.record_exception(error)
    child.set_status(Status(StatusCode.ERROR, "cart is gone"))
    child.end()
    root.set_status(StatusCode.OK)
    root.end()

    found = check_read_back(api, recorder.export(exporter))

    # The most important facts once more by hand, so that the comparison above cannot be wrong on both sides.
    spans = {span["name"]: span for span in found.values()}
    root_json, child_json = spans["GET /cart"], spans["SELECT cart"]
    expect.has_attributes(root_json["attributes"], ATTRIBUTES)
    assert root_json["trace_id"] == format(root.get_span_context().trace_id, "032x")
    assert root_json["parent_span_id"] == "" and root_json["kind"] == "SERVER"
    assert root_json["status"] == {"code": "OK", "message": ""}
    assert root_json["service"] == service
    assert root_json["scope"]["name"] == "shop.checkout" and root_json["scope"]["version"] == "4.5"
    assert child_json["parent_span_id"] == root_json["span_id"] and child_json["kind"] == "CLIENT"
    assert child_json["status"] == {"code": "ERROR", "message": "cart is gone"}
    assert [event["name"] for event in child_json["events"]] == ["cache miss", "empty", "exception"]
    assert child_json["links"][0]["trace_id"] == "0102030405060708090a0b0c0d0e0f10"
    assert child_json["links"][0]["trace_state"] == "vendor=v1,other=v2"


def test_a_remote_parent_and_its_trace_state_read_back(api, service, exporter):
    recorder = Recorder(service)
    parent = SpanContext(
        trace_id=int.from_bytes(otlp.trace_id()),
        span_id=int.from_bytes(otlp.span_id()),
        is_remote=True,
        trace_flags=TraceFlags(1),
        trace_state=TraceState([("vendor", "abc")]),
    )
    recorder.tracer.start_span("work", context=set_span_in_context(NonRecordingSpan(parent)), kind=SpanKind.CONSUMER).end()
    found = check_read_back(api, recorder.export(exporter))
    (span,) = found.values()
    assert span["trace_state"] == "vendor=abc"
    assert span["parent_span_id"] == format(parent.span_id, "016x")
    assert span["flags"] & 0x300 == 0x300, "the parent is known to be remote"


def test_what_the_sdk_dropped_is_told(api, service, exporter):
    recorder = Recorder(service, max_span_attributes=2, max_events=1, max_links=1, max_event_attributes=1)
    link = Link(SpanContext(trace_id=7, span_id=8, is_remote=False))
    span = recorder.tracer.start_span("over the limit", attributes={"a": 1, "b": 2, "c": 3}, links=[link, link])
    span.add_event("first")
    span.add_event("second", {"a": 1, "b": 2})
    span.end()
    (found,) = check_read_back(api, recorder.export(exporter)).values()
    counts = [found[f"dropped_{what}_count"] for what in ("attributes", "events", "links")]
    assert counts == [1, 1, 1]


def test_a_batch_of_many_spans_is_found_by_search(api, service, exporter):
    recorder = Recorder(service)
    for number in range(500):
        with recorder.tracer.start_as_current_span("batch", attributes={"number": number, "parity": number % 2 == 0}):
            pass
    recorder.export(exporter)

    def search(q):
        return list(api.all_pages("traces", q=q, limit=200))

    poll.until("all traces", lambda: len(search(f"service:{service}")) == 500)
    assert len(search(f"service:{service} number>=490")) == 10
    assert len(search(f"service:{service} parity:true")) == 250
    (one,) = search(f"service:{service} number:123")
    assert (one["root_service"], one["root_name"], one["span_count"]) == (service, "batch", 1)
