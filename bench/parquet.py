"""The data set as Parquet, with the column names of the Collector's ClickHouse exporter, for the peers to load.

`loadgen ingest` sends its OTLP requests to a receiver in this process, so that every engine gets the same records and
nobody's export is trusted. The conversion is not measured.
"""

import http.server
import subprocess
import threading

import pyarrow as pa
import pyarrow.parquet as pq
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

KINDS = ["Unspecified", "Internal", "Server", "Client", "Producer", "Consumer"]
STATUSES = ["Unset", "Ok", "Error"]
MAP = pa.map_(pa.string(), pa.string())
COMMON = [("Timestamp", pa.timestamp("ns")), ("TraceId", pa.string()), ("SpanId", pa.string()), ("ServiceName", pa.string()),
          ("ResourceAttributes", MAP), ("ScopeName", pa.string()), ("ScopeVersion", pa.string())]
LOGS = pa.schema(COMMON + [("TraceFlags", pa.uint8()), ("SeverityText", pa.string()), ("SeverityNumber", pa.uint8()),
                           ("Body", pa.string()), ("LogAttributes", MAP)])
SPANS = pa.schema(COMMON + [("ParentSpanId", pa.string()), ("TraceState", pa.string()), ("SpanName", pa.string()),
                            ("SpanKind", pa.string()), ("SpanAttributes", MAP), ("Duration", pa.uint64()),
                            ("StatusCode", pa.string()), ("StatusMessage", pa.string())])
# Records per row group, so that memory stays small.
ROWS = 100_000


def text(value):
    kind = value.WhichOneof("value")
    return "" if kind is None else str(getattr(value, kind))


def pairs(attributes):
    return [(a.key, text(a.value)) for a in attributes]


def log_rows(body):
    for group in ExportLogsServiceRequest.FromString(body).resource_logs:
        resource = pairs(group.resource.attributes)
        service = dict(resource).get("service.name", "")
        for scoped in group.scope_logs:
            scope = scoped.scope
            for r in scoped.log_records:
                yield (r.time_unix_nano, r.trace_id.hex(), r.span_id.hex(), service, resource, scope.name, scope.version,
                       r.flags & 0xFF, r.severity_text, r.severity_number, text(r.body), pairs(r.attributes))


def span_rows(body):
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = pairs(group.resource.attributes)
        service = dict(resource).get("service.name", "")
        for scoped in group.scope_spans:
            scope = scoped.scope
            for s in scoped.spans:
                yield (s.start_time_unix_nano, s.trace_id.hex(), s.span_id.hex(), service, resource, scope.name,
                       scope.version, s.parent_span_id.hex(), s.trace_state, s.name, KINDS[s.kind], pairs(s.attributes),
                       s.end_time_unix_nano - s.start_time_unix_nano, STATUSES[s.status.code], s.status.message)


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes one kind of OTLP request and writes its rows."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.rows.extend(self.server.rows_of(body))
            if len(self.server.rows) >= ROWS:
                self.server.write()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Receiver(http.server.ThreadingHTTPServer):
    def __init__(self, rows_of, schema, target):
        super().__init__(("127.0.0.1", 0), Collector)
        self.rows_of, self.schema, self.rows, self.lock = rows_of, schema, [], threading.Lock()
        self.writer = pq.ParquetWriter(target, schema, compression="zstd")

    def write(self):
        columns = [pa.array(column, field.type) for column, field in zip(zip(*self.rows), self.schema)]
        self.writer.write_table(pa.table(columns, schema=self.schema))
        self.rows.clear()


def make(loadgen, what, records, end_ns, target):
    """Writes the data set of `what` (spans or logs) to `target`; returns how many records it has."""
    rows_of, schema = (log_rows, LOGS) if what == "logs" else (span_rows, SPANS)
    receiver = Receiver(rows_of, schema, target)
    thread = threading.Thread(target=receiver.serve_forever)
    thread.start()
    try:
        command = [str(loadgen), "ingest", "--signal", what, "--records", str(records), "--connections", "1",
                   "--end", str(end_ns), "--endpoint", f"http://127.0.0.1:{receiver.server_address[1]}"]
        subprocess.run(command, check=True, capture_output=True)
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()
    if receiver.rows:
        receiver.write()
    receiver.writer.close()
    return pq.read_metadata(target).num_rows
