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


def failed(*args):
    done = subprocess.run([binary(), *args], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stdout
    return done.stderr


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


def log(i, time_ns):
    return {
        "timeUnixNano": str(time_ns), "observedTimeUnixNano": str(time_ns),
        "severityNumber": 9 if i % 2 else 17, "body": {"stringValue": f"request {i} took {i * 7} ms"},
        "attributes": [{"key": "user.id", "value": {"stringValue": f"user-{i % 10}"}},
                       {"key": "request.id", "value": {"stringValue": f"request-{time_ns}"}}],
    }


def send_logs(server, times_ns):
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    records = [log(i, time_ns) for i, time_ns in enumerate(times_ns)]
    body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}
    answer = requests.post(server.url("otlp_http", "/v1/logs"), json=body, timeout=30)
    assert answer.status_code == 200 and not answer.json().get("partialSuccess"), answer.text


def test_an_export_is_cut_by_time_and_filter(stepping, tmp_path):
    end_ns = time.time_ns() // 1_000_000_000 * 1_000_000_000
    # One record a second for ten minutes, the newest at the end.
    send_logs(stepping, [end_ns - (599 - i) * 1_000_000_000 for i in range(600)])
    assert stepping.terminate() == 0
    out = tmp_path / "logs.parquet"
    end_ms = end_ns // 1_000_000
    # The first is in, the last is not.
    cut = [f"--from={end_ms - 300_000}", f"--to={end_ms}"]
    printed = run("export", f"--data-dir={stepping.data_dir}", "--signal=logs", "--filter=level:error", *cut, f"--out={out}")
    table = parquet.read_table(out)
    rows = table.drop_columns(["time", "observed_time"]).to_pylist()
    # Of 300 seconds every second record is an error: those with even numbers.
    assert len(rows) == 150 and "150 log records" in printed, printed
    times = table.column("time").cast("int64").to_pylist()
    assert times == [end_ns - (599 - i) * 1_000_000_000 for i in range(300, 599, 2)]
    assert [row["body"] for row in rows[:2]] == ["request 300 took 2100 ms", "request 302 took 2114 ms"]
    assert {row["severity_number"] for row in rows} == {17} and {row["service_name"] for row in rows} == {"shop"}
    users = duckdb.sql(f"select attributes['user.id'] as u, count(*) from '{out}' group by 1 order by 1").fetchall()
    assert [n for _, n in users] == [30] * 5
    again = subprocess.run(
        [binary(), "export", f"--data-dir={stepping.data_dir}", "--signal=logs", f"--out={out}"],
        capture_output=True, text=True, timeout=60, check=False,
    )
    assert again.returncode != 0 and "cannot make" in again.stderr and parquet.read_table(out).num_rows == 150


def test_a_running_server_is_exported_from(stepping, tmp_path):
    end_ns = time.time_ns() // 1_000_000_000 * 1_000_000_000
    # More than two pages.
    for part in range(3):
        send_logs(stepping, [end_ns - 3_000_000_000_000 + (part * 4_000 + i) * 1_000_003 for i in range(4_000)])
    send(stepping, 300)
    api = stepping.url("api")
    cut = ["--from=now-2h", f"--to={end_ns + 60_000_000_000}"]

    def exported(name, *source):
        tables = []
        for signal in ("logs", "traces"):
            out = tmp_path / f"{name}-{signal}.parquet"
            printed = run("export", *source, f"--signal={signal}", *cut, f"--out={out}")
            tables.append(parquet.read_table(out))
            assert f"{tables[-1].num_rows} " in printed
        return tables

    running = exported("running", f"--api={api}")
    assert [table.num_rows for table in running] == [12_000, 300]
    times = running[0].column("time").cast("int64").to_pylist()
    assert times == sorted(times)

    out = tmp_path / "wrong.parquet"
    said = failed("export", f"--api={api}", "--signal=logs", "--filter=level:eror", f"--out={out}")
    assert "did you mean `error`?" in said and not out.exists(), said

    # What the API answers is what any OTLP receiver takes.
    with Server(tmp_path / "other") as other:
        parameters, pages = {"signal": "logs", "from": "now-2h", "limit": 5_000}, 0
        while True:
            page = requests.get(f"{api}/api/v1/export", params=parameters, timeout=30)
            assert page.status_code == 200 and page.headers["content-type"] == "application/x-protobuf"
            sent = requests.post(other.url("otlp_http", "/v1/logs"), data=page.content, timeout=30,
                                 headers={"content-type": page.headers["content-type"]})
            assert sent.status_code == 200 and not sent.content
            pages += 1
            if not page.headers["bellrock-next-cursor"]:
                break
            parameters["cursor"] = page.headers["bellrock-next-cursor"]
        assert pages == 3
        status = requests.get(other.url("api", "/api/v1/status"), timeout=10).json()
        assert status["signals"]["logs"]["accepted"] == 12_000

    assert stepping.terminate() == 0
    stopped = exported("stopped", f"--data-dir={stepping.data_dir}")
    for live, still in zip(running, stopped):
        # Spans that begin together may come in another order.
        order = [(live.column_names[0], "ascending"), ("span_id", "ascending")]
        assert live.sort_by(order).equals(still.sort_by(order))


def test_an_export_says_what_is_damaged(stepping, tmp_path):
    end_ns = time.time_ns() // 1_000_000_000 * 1_000_000_000
    for part in range(3):
        send_logs(stepping, [end_ns - 20_000_000_000 + (part * 4_000 + i) * 1_000_003 for i in range(4_000)])
    assert stepping.terminate() == 0
    largest = max((stepping.data_dir / "events/logs").rglob("*.evt"), key=lambda path: path.stat().st_size)
    damaged = bytearray(largest.read_bytes())
    # Into a column of the first block.
    for at in range(4_000, 4_100):
        damaged[at] ^= 0xFF
    largest.write_bytes(damaged)
    out = tmp_path / "logs.parquet"
    cut = ["--signal=logs", "--from=now-1h", f"--to={end_ns + 60_000_000_000}", f"--out={out}"]

    def left(source):
        said = failed("export", source, *cut)
        assert "--skip-damaged" in said and not out.exists(), said
        assert "not whole: at least 1 blocks" in run("export", source, *cut, "--skip-damaged")
        rows = parquet.read_table(out).num_rows
        out.unlink()
        return rows

    rows = left(f"--data-dir={stepping.data_dir}")
    assert 0 < rows < 12_000
    # A server that runs says the same.
    stepping.start(f"--config={stepping.config}")
    assert left(f"--api={stepping.url('api')}") == rows


def test_large_records_are_exported_in_small_pages(tmp_path):
    config = tmp_path / "bellrock.yaml"
    config.write_text("query: {memory: 8MiB}\n")
    with Server(tmp_path / "server").start(f"--config={config}") as server:
        now = time.time_ns()
        # Some thirty megabytes; a page of all of them is more than a query may hold.
        for part in range(6):
            records = [{"timeUnixNano": str(now - i), "body": {"stringValue": f"{part} {i} " + "x" * 50_000}} for i in range(100)]
            body = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
            assert requests.post(server.url("otlp_http", "/v1/logs"), json=body, timeout=30).status_code == 200
        parameters = {"signal": "logs", "from": "now-1h", "to": "now+1h"}
        refused = requests.get(server.url("api", "/api/v1/export"), params=parameters, timeout=30)
        assert refused.status_code == 422 and "`limit`" in refused.json()["error"]["message"], refused.text
        out = tmp_path / "logs.parquet"
        export = ["export", f"--api={server.url('api')}", "--signal=logs", "--from=now-1h", "--to=now+1h"]
        assert "600 log records" in run(*export, f"--out={out}")
        bodies = parquet.read_table(out).column("body").to_pylist()
        assert len(set(bodies)) == 600
        # A filter may begin with a minus.
        none = tmp_path / "none.parquet"
        assert "no log records match; no file was made" in run(*export, "--filter", "-service:*  level:error", f"--out={none}")
        assert not none.exists()


def test_an_import_says_what_was_wrong(stepping, tmp_path):
    send(stepping, 50)
    out = tmp_path / "spans.parquet"
    run("export", f"--api={stepping.url('api')}", "--signal=traces", "--from=now-1h", "--to=now+1h", f"--out={out}")

    said = failed("import", str(out), f"--url={stepping.url('api')}")
    assert "nothing was stored" in said and "is this the OTLP/HTTP port?" in said, said
    said = failed("import", str(out), f"--url={stepping.url('otlp_http', '/v1/logs')}")
    assert "there is nothing at /v1/logs/v1/traces" in said and "\b" not in said, said
    said = failed("import", str(stepping.config), f"--url={stepping.url('otlp_http')}")
    assert "is no Parquet file; `bellrock export` writes what can be imported" in said, said
    assert "the file has 50 records" in failed("import", str(out), f"--url={stepping.url('otlp_http')}", "--skip=51")
    said = failed("storage", f"--api={stepping.url('otlp_http')}")
    assert "is this the API? else set --api, as http://127.0.0.1:8080" in said, said
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    assert "is no data directory of bellrock" in failed("storage", f"--data-dir={foreign}") and not list(foreign.iterdir())
    seconds = failed("query", f"--api={stepping.url('api')}", "", "--from=1795973400")
    assert "looks like seconds" in seconds and "`1795973400000`" in seconds, seconds
    assert "--to" in failed("query", f"--api={stepping.url('api')}", "", "--to=tomorrow")

    # What a server does not take is counted, and the rest is stored.
    strict = tmp_path / "strict.yaml"
    strict.write_text("storage: {future_max: 1m}\n")
    with Server(tmp_path / "other").start(f"--config={strict}") as other:
        spans = [span(i, time.time_ns() + (3_600_000_000_000 if i == 7 else 0)) for i in range(20)]
        body = {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}
        assert requests.post(stepping.url("otlp_http", "/v1/traces"), json=body, timeout=10).status_code == 200
        out.unlink()
        run("export", f"--api={stepping.url('api')}", "--signal=traces", "--from=now-1h", "--to=now+2h", f"--out={out}")
        printed = run("import", str(out), f"--url={other.url('otlp_http')}")
        assert "sent 70 records" in printed and "1 of them were not taken" in printed, printed


def test_retention_takes_what_the_dry_run_announced(tmp_path):
    config = tmp_path / "bellrock.yaml"
    config.write_text("storage: {retention: 30d}\n")
    day_ns = 86_400 * 1_000_000_000
    with Server(tmp_path / "server").start(f"--config={config}") as server:
        now = time.time_ns()
        for days, count in ((4, 40), (2, 20), (0, 5)):
            send_logs(server, [now - days * day_ns - i for i in range(count)])
        assert server.terminate() == 0
        data = [f"--data-dir={server.data_dir}", f"--config={config}"]

        def kept():
            signals = json.loads(run("storage", *data, "--json"))["signals"]
            return [p["records"] for p in signals[0]["partitions"]]

        text = run("storage", *data)
        assert "logs:" in text and "65 records" in text and "bytes per record" in text
        user = next(line.split() for line in text.splitlines() if line.split()[:1] == ["user.id"])
        # Size with its unit, values, distinct ones, bytes per record.
        assert user[4:8] == ["65", "values", "10", "distinct"] and user[9] == "B/record", user
        request = next(line.split() for line in text.splitlines() if line.split()[:1] == ["request.id"])
        # More than 64 values are estimated, and the report says so.
        assert request[6].startswith("~") and abs(int(request[6][1:]) - 65) <= 13, request
        assert kept() == [40, 20, 5]

        config.write_text("storage: {retention: 3d}\n")
        announced = run("storage", *data, "prune", "--dry-run")
        assert "40 records" in announced and "(retention)" in announced and "20 records" not in announced
        assert kept() == [40, 20, 5], "a dry run removes nothing"
        assert "removed" in run("storage", *data, "prune")
        assert kept() == [20, 5]
        assert "removes nothing" in run("storage", *data, "prune", "--dry-run")


def test_a_cap_on_series_is_reported(tmp_path):
    config = tmp_path / "bellrock.yaml"
    config.write_text("derived: {step: 1s, span_metrics: {series_per_service_max: 3}}\n")
    with Server(tmp_path / "server").start(f"--config={config}") as server:
        now = time.time_ns()
        spans = [{**span(i, now), "name": f"GET /{i}"} for i in range(10)]
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
        body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
        assert requests.post(server.url("otlp_http", "/v1/traces"), json=body, timeout=10).status_code == 200
        # Nothing is lost: what is beyond the cap is in one series.
        poll.until("ten calls are counted", lambda: calls(server) == [10.0], 20)
        query = 'sum(traces_span_metrics_calls_total{otel_metric_overflow="true"})'
        found = requests.get(server.url("api", "/api/v1/query"), params={"query": query}, timeout=10).json()
        assert [float(r["value"][1]) for r in found["data"]["result"]] == [7.0]
        metrics = requests.get(server.url("metrics", "/metrics"), timeout=10).text
        assert 'bellrock_derived_overflow_total{kind="span_series"} 7' in metrics
        assert 'bellrock_derived_items{kind="span_series"} 4' in metrics
