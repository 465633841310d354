"""The OpenTelemetry Python SDK exports log records over gRPC and HTTP; the API gives back exactly those."""

import logging
import time

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter as HttpExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, LogRecordExportResult, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from harness import api as expect
from harness import otlp

EXPORTERS = {
    "grpc": lambda server: GrpcExporter(endpoint=server.url("otlp_grpc"), insecure=True),
    "http": lambda server: HttpExporter(endpoint=server.url("otlp_http", "/v1/logs")),
}

BODIES = {
    "text": "payment refused: grüße ✓\nsecond line",
    "empty": "",
    "int": 2**53 + 1,
    "double": 0.1,
    "bool": True,
    "bytes": b"\x00\xff\x10",
    "list": ["a", 1, 2.5, False, [b"deep"]],
    "map": {"user": {"id": 7, "tags": ["x", "y"]}, "ok": False},
}


@pytest.fixture(params=list(EXPORTERS))
def exporter(request, server):
    exporter = EXPORTERS[request.param](server)
    yield exporter
    exporter.shutdown()


class Recorder:
    def __init__(self, service):
        self.finished = InMemoryLogRecordExporter()
        self.provider = LoggerProvider(resource=Resource.create({"service.name": service, "host.name": "h1"}))
        self.provider.add_log_record_processor(SimpleLogRecordProcessor(self.finished))
        self.logger = self.provider.get_logger("shop.payments", "2.0", attributes={"team": "pay"})

    def export(self, exporter):
        records = self.finished.get_finished_logs()
        assert exporter.export(records) == LogRecordExportResult.SUCCESS
        return otlp.logs_json(encode_logs(records))


def check_read_back(api, service, sent):
    found = api.logs(f"service:{service}", len(sent))
    assert all(log.pop("id") for log in found)
    by_time = {log["time_unix_nano"]: log for log in found}
    for log in sent:
        assert expect.normal(by_time[log["time_unix_nano"]]) == expect.normal(log)
    return found


def test_every_type_of_body_and_attribute_reads_back(api, service, exporter):
    recorder = Recorder(service)
    start = time.time_ns()
    for offset, (name, body) in enumerate(BODIES.items()):
        recorder.logger.emit(
            LogRecord(
                timestamp=start + offset,
                observed_timestamp=start + 1_000_000 + offset,
                severity_number=SeverityNumber.WARN,
                severity_text="WARNING",
                body=body,
                attributes={"name": name, "n": offset, "same": body, "half": 0.5, "list": ["a", "b"]},
            )
        )
    found = check_read_back(api, service, recorder.export(exporter))
    bodies = {log["time_unix_nano"]: log["body"] for log in found}
    for offset, body in enumerate(BODIES.values()):
        assert expect.normal(bodies[str(start + offset)]) == expect.normal(expect.any_value(body))
    assert [log["time_unix_nano"] for log in found] == sorted(bodies, reverse=True), "newest first"


def test_severities_map_to_levels(api, service, exporter):
    recorder = Recorder(service)
    start = time.time_ns()
    for number in range(25):
        recorder.logger.emit(
            LogRecord(timestamp=start + number, severity_number=SeverityNumber(number), severity_text=f"s{number}", body="x")
        )
    check_read_back(api, service, recorder.export(exporter))
    errors = api.logs(f"service:{service} level:error", 4)
    assert sorted(log["severity_number"] for log in errors) == [17, 18, 19, 20]
    api.logs(f"service:{service} level>=warn", 12)


def test_a_log_inside_a_span_names_it(api, service, exporter):
    recorder = Recorder(service)
    tracer = TracerProvider().get_tracer("t")
    handler = LoggingHandler(logger_provider=recorder.provider)
    python_logger = logging.getLogger(f"test.{service}")
    python_logger.addHandler(handler)
    python_logger.setLevel(logging.INFO)
    python_logger.propagate = False
    with tracer.start_as_current_span("request") as span:
        python_logger.error("could not charge %s", "card", extra={"order.id": 77})
    sent = recorder.export(exporter)
    (log,) = check_read_back(api, service, sent)
    context = span.get_span_context()
    assert log["trace_id"] == format(context.trace_id, "032x")
    assert log["span_id"] == format(context.span_id, "016x")
    assert log["level"] == "ERROR" and log["body"] == {"stringValue": "could not charge card"}
    assert api.logs(f"trace_id:{log['trace_id']}", 1)


def test_event_names_and_text_search(api, service, exporter):
    recorder = Recorder(service)
    start = time.time_ns()
    texts = ["connection timed out after 30s", "Connection refused", "all good"]
    for offset, text in enumerate(texts):
        recorder.logger.emit(
            LogRecord(timestamp=start + offset, severity_number=SeverityNumber.INFO, body=text, event_name=f"app.event.{offset}")
        )
    check_read_back(api, service, recorder.export(exporter))
    api.logs(f"service:{service} connection", 2)
    (timed_out,) = api.logs(f'service:{service} "timed out"', 1)
    assert timed_out["event_name"] == "app.event.0"
    api.logs(f"service:{service} -connection", 1)
