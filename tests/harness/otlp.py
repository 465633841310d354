"""OTLP on the wire: what a request holds must read back as, and posting it by hand.

The expectations come from the protobuf classes of the OpenTelemetry project, not from the server's own code.
"""

import base64
import os

import requests
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from harness import api

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

REQUESTS = {"traces": ExportTraceServiceRequest, "logs": ExportLogsServiceRequest, "metrics": ExportMetricsServiceRequest}
RESPONSES = {
    "traces": ExportTraceServiceResponse,
    "logs": ExportLogsServiceResponse,
    "metrics": ExportMetricsServiceResponse,
}


def value_json(value):
    """proto3 JSON of an AnyValue message."""
    kind = value.WhichOneof("value")
    if kind is None:
        return {}
    inner = getattr(value, kind)
    if kind == "array_value":
        return {"arrayValue": {"values": [value_json(item) for item in inner.values]}}
    if kind == "kvlist_value":
        return {"kvlistValue": {"values": attributes_json(inner.values)}}
    if kind == "bytes_value":
        return {"bytesValue": base64.b64encode(inner).decode()}
    return api.any_value(inner)


def attributes_json(pairs):
    return [{"key": pair.key, "value": value_json(pair.value)} for pair in pairs]


def _resource_json(group):
    return {
        "attributes": attributes_json(group.resource.attributes),
        "dropped_attributes_count": group.resource.dropped_attributes_count,
        "schema_url": group.schema_url,
    }


def _scope_json(group):
    return {
        "name": group.scope.name,
        "version": group.scope.version,
        "attributes": attributes_json(group.scope.attributes),
        "dropped_attributes_count": group.scope.dropped_attributes_count,
        "schema_url": group.schema_url,
    }


def service_of(group):
    for pair in group.resource.attributes:
        if pair.key == "service.name":
            return pair.value.string_value
    return "unknown_service"


def spans_json(request):
    """Every span of a request as `/api/v1/traces/{id}` must give it."""
    return [
        _span_json(resource, scope, span)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _span_json(resource, scope, span):
    return {
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex(),
        "trace_state": span.trace_state,
        # No sampler left one out.
        "adjusted_count": 1.0,
        "flags": span.flags,
        "name": span.name,
        "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        "service": service_of(resource),
        "start_unix_nano": str(span.start_time_unix_nano),
        "end_unix_nano": str(span.end_time_unix_nano),
        "duration_nanos": span.end_time_unix_nano - span.start_time_unix_nano,
        "attributes": attributes_json(span.attributes),
        "dropped_attributes_count": span.dropped_attributes_count,
        "events": [
            {
                "time_unix_nano": str(event.time_unix_nano),
                "name": event.name,
                "attributes": attributes_json(event.attributes),
                "dropped_attributes_count": event.dropped_attributes_count,
            }
            for event in span.events
        ],
        "dropped_events_count": span.dropped_events_count,
        "links": [
            {
                "trace_id": link.trace_id.hex(),
                "span_id": link.span_id.hex(),
                "trace_state": link.trace_state,
                "attributes": attributes_json(link.attributes),
                "dropped_attributes_count": link.dropped_attributes_count,
                "flags": link.flags,
            }
            for link in span.links
        ],
        "dropped_links_count": span.dropped_links_count,
        "status": {
            "code": Status.StatusCode.Name(span.status.code).removeprefix("STATUS_CODE_"),
            "message": span.status.message,
        },
        "resource": _resource_json(resource),
        "scope": _scope_json(scope),
    }


def logs_json(request):
    """Every record of a request as `/api/v1/logs` must give it, without the opaque `id`."""
    return [
        _log_json(resource, scope, record)
        for resource in request.resource_logs
        for scope in resource.scope_logs
        for record in scope.log_records
    ]


def _log_json(resource, scope, record):
    return {
        "time_unix_nano": str(record.time_unix_nano),
        "observed_time_unix_nano": str(record.observed_time_unix_nano),
        "severity_number": record.severity_number,
        "severity_text": record.severity_text,
        "level": api.level(record.severity_number),
        "service": service_of(resource),
        "body": value_json(record.body),
        "event_name": record.event_name,
        "trace_id": record.trace_id.hex(),
        "span_id": record.span_id.hex(),
        "flags": record.flags,
        "attributes": attributes_json(record.attributes),
        "dropped_attributes_count": record.dropped_attributes_count,
        "resource": _resource_json(resource),
        "scope": _scope_json(scope),
    }


def post(server, signal, body, content_type=PROTOBUF, encoding=None, timeout=60, **headers):
    """Posts bytes (or a generator of chunks) as they are."""
    sent = {"Content-Type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    if encoding:
        sent["Content-Encoding"] = encoding
    return requests.post(server.url("otlp_http", f"/v1/{signal}"), data=body, headers=sent, timeout=timeout)


def trace_id():
    return os.urandom(16)


def span_id():
    return os.urandom(8)


def set_value(value, python):
    """Fills an AnyValue message from a Python value."""
    match python:
        case bool():
            value.bool_value = python
        case str():
            value.string_value = python
        case int():
            value.int_value = python
        case float():
            value.double_value = python
        case bytes():
            value.bytes_value = python
        case list():
            value.array_value.SetInParent()
            for item in python:
                set_value(value.array_value.values.add(), item)
        case dict():
            value.kvlist_value.SetInParent()
            add_attributes(value.kvlist_value.values, python)


def add_attributes(target, values):
    for key, value in values.items():
        pair = target.add()
        pair.key = key
        set_value(pair.value, value)


def traces(service, *spans):
    """A request with one scope; each span is a dictionary of message fields, `attributes` as a dictionary."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    add_attributes(resource.resource.attributes, {"service.name": service})
    scope = resource.scope_spans.add()
    scope.scope.name = "by-hand"
    for fields in spans:
        span = scope.spans.add()
        add_attributes(span.attributes, fields.pop("attributes", {}))
        for name, value in fields.items():
            setattr(span, name, value)
    return request


def logs(service, *records):
    """As `traces`; `body` is any Python value."""
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    add_attributes(resource.resource.attributes, {"service.name": service})
    scope = resource.scope_logs.add()
    scope.scope.name = "by-hand"
    for fields in records:
        record = scope.log_records.add()
        set_value(record.body, fields.pop("body", None))
        add_attributes(record.attributes, fields.pop("attributes", {}))
        for name, value in fields.items():
            setattr(record, name, value)
    return request


def gauge(service, name, *points):
    """A request with one gauge; each point is (attributes, time in ns, value as float)."""
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    add_attributes(resource.resource.attributes, {"service.name": service})
    scope = resource.scope_metrics.add()
    metric = scope.metrics.add()
    metric.name = name
    for attributes, time_ns, value in points:
        point = metric.gauge.data_points.add()
        add_attributes(point.attributes, attributes)
        point.time_unix_nano = time_ns
        point.as_double = value
    return request
