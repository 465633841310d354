"""The life of data: what is derived from spans, what lies on disk, and the way out and in again as Parquet."""

import json
import subprocess
import time

import duckdb
import pytest
import requests
from pyarrow import parquet

from harness import poll
from harness.server import Server, binary


def span(i, start_ns):
    return {
        "traceId": f"{i + 1:032x}", "spanId": f"{i + 1:016x}", "name": "GET /", "kind": 2,
        "startTimeUnixNano": str(start_ns), "endTimeUnixNano": str(start_ns + 3_000_000),
        "attributes": [{"key": "http.response.status_code", "value": {"intValue": "200"}}],
        "events": [{"name": "exception", "timeUnixNano": str(start_ns), "attributes": [
            {"key": "exception.type", "value": {"stringValue": "IOError"}},
            {"key": "exception.message", "value": {"stringValue": f"port {i} closed"}}]}],
    }


def send(server, count, first=0):
    spans = [span(first + i, time.time_ns()) for i in range(count)]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    assert requests.post(server.url("otlp_http", "/v1/traces"), json=body, timeout=10).status_code == 200


def calls(server):
    query = 'sum(traces_span_metrics_calls_total{service_name="shop"})'
    found = requests.get(server.url("api", "/api/v1/query"), params={"query": query}, timeout=10).json()
    return [float(r["value"][1]) for r in found["data"]["result"]]


@pytest.fixture
def stepping(tmp_path):
    """A server that writes derived metrics every second."""
    config = tmp_path / "bellrock.yaml"
    config.write_text("derived: {step: 1s}\n")
    server = Server(tmp_path / "stepping")
    server.start(f"--config={config}")
    server.config = config
    yield server
    server.kill()


def test_derived_counts_go_on_after_sigkill(stepping):
    send(stepping, 5)
    poll.until("five calls are counted", lambda: calls(stepping) == [5.0], 20)
    stepping.kill()
    stepping.start(f"--config={stepping.config}")
    send(stepping, 3, first=5)
    poll.until("all calls are counted, none twice", lambda: calls(stepping) == [8.0], 20)
    errors = requests.get(stepping.url("api", "/api/v1/errors"), timeout=10).json()
    assert [(e["exception_type"], e["normalised_message"], e["count"]) for e in errors["errors"]] == [
        ("IOError", "port <num> closed", 8)
    ]
    metrics = requests.get(stepping.url("metrics", "/metrics"), timeout=10).text
    assert "bellrock_derived_spans_total" in metrics and "bellrock_storage_free_bytes" in metrics


def run(*args):
    done = subprocess.run([binary(), *args], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_data_goes_out_as_parquet_and_comes_in_again(stepping, tmp_path):
    send(stepping, 1_000)
    running = json.loads(requests.get(stepping.url("api", "/api/v1/storage"), timeout=10).text)
    assert [s["signal"] for s in running["signals"]] == ["logs", "traces", "metrics"]
    assert stepping.terminate() == 0
    data = f"--data-dir={stepping.data_dir}"
    stopped = json.loads(run("storage", data, "--json"))
    traces = stopped["signals"][1]
    assert traces["records"] == 1_000 and traces["bytes"] == sum(c["bytes"] for c in traces["columns"])
    assert "removes nothing" in run("storage", "prune", "--dry-run", data)

    out = tmp_path / "spans.parquet"
    run("export", data, "--signal=traces", "--filter=service:shop", f"--out={out}")
    table = parquet.read_table(out)
    assert table.num_rows == 1_000
    assert str(table.schema.field("start_time").type) == "timestamp[ns, tz=UTC]"
    row = table.select(["service_name", "name", "duration_nanos", "attributes"]).slice(0, 1).to_pylist()[0]
    assert (row["service_name"], row["name"], row["duration_nanos"]) == ("shop", "GET /", 3_000_000)
    assert dict(row["attributes"]) == {"http.response.status_code": "200"}
    found = duckdb.sql(f"select service_name, count(*), max(duration_nanos) from '{out}' group by 1").fetchall()
    assert found == [("shop", 1_000, 3_000_000)]

    with Server(tmp_path / "other") as other:
        run("import", str(out), f"--url={other.url('otlp_http')}")
        trace = requests.get(other.url("api", f"/api/v1/traces/{1:032x}"), timeout=10)
        assert trace.status_code == 200 and "GET /" in trace.text
        count = requests.get(other.url("api", "/api/v1/storage"), timeout=10)
        assert count.status_code == 200
        status = requests.get(other.url("api", "/api/v1/status"), timeout=10).json()
        assert status["signals"]["traces"]["accepted"] == 1_000
