"""`bellrock query` against a running server, the time hint of a trace, and the cap on live tails."""

import json
import subprocess
import time

import pytest
import requests

from harness import poll
from harness.server import Server, binary


def attribute(key, value):
    return {"key": key, "value": {"stringValue": value}}


def log(i, now_ns):
    items = [{"kvlistValue": {"values": [attribute("sku", f"sku-{i % 3}")]}} for _ in range(2)]
    return {
        "timeUnixNano": str(now_ns - i * 1_000_000), "severityNumber": 17 if i % 10 == 0 else 9,
        "body": {"stringValue": f"order {i} für Größe {i % 4}"},
        "attributes": [{"key": "items", "value": {"arrayValue": {"values": items}}}],
    }


@pytest.fixture
def server(tmp_path):
    config = tmp_path / "bellrock.yaml"
    config.write_text("query: {tails_max: 2}\nstorage: {merge_rate: 8MiB}\n")
    server = Server(tmp_path / "server").start(f"--config={config}")
    yield server
    server.kill()


def send(server, count=200):
    resource = {"attributes": [attribute("service.name", "shop")]}
    logs = [log(i, time.time_ns()) for i in range(count)]
    body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": logs}]}]}
    assert requests.post(server.url("otlp_http", "/v1/logs"), json=body, timeout=10).status_code == 200
    now = time.time_ns()
    span = {"traceId": f"{7:032x}", "spanId": f"{7:016x}", "name": "GET /", "kind": 2,
            "startTimeUnixNano": str(now - 3_000_000), "endTimeUnixNano": str(now)}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}
    assert requests.post(server.url("otlp_http", "/v1/traces"), json=body, timeout=10).status_code == 200


def query(server, *args):
    command = [binary(), "query", f"--api={server.url('api')}", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def lines(server, *args):
    done = query(server, "--output=jsonl", *args)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_answers_are_written_for_people_and_programs(server):
    send(server)
    assert lines(server, "level>=error | stats count() by service") == [{"service": "shop", "count": 20}]
    assert lines(server, "items.sku:sku-1 größe | stats count()") == [{"count": 67}]
    assert [r["body"] for r in lines(server, '"order 150 " | fields body, items.sku')] == ["order 150 für Größe 2"]
    assert len(lines(server, "order | limit 30")) == 30
    assert lines(server, "--signal=traces", "GET | fields name, duration") == [{"name": "GET /", "duration": 3_000_000}]
    table = query(server, "| stats count() by level | sort -count").stdout.splitlines()
    assert table[0].split() == ["level", "count"] and [line.split()[-1] for line in table[1:]] == ["180", "20"], table
    assert "order 150 für Größe 2" in query(server, "order | limit 200").stdout
    whole = json.loads(query(server, "--output=json", "| stats count()").stdout)
    assert whole["table"]["rows"] == [[200]] and whole["partial"] is None


def test_a_mistake_is_shown_where_it_is(server):
    done = query(server, "service:shop level:eror")
    assert done.returncode == 1 and done.stdout == ""
    marks = [line for line in done.stderr.splitlines() if set(line.strip()) == {"^"}]
    assert len(marks) == 1 and marks[0].index("^") >= len("  service:shop "), done.stderr
    assert "error" in done.stderr
    gone = subprocess.run([binary(), "query", "--api=http://127.0.0.1:1"], capture_output=True, text=True, timeout=60, check=False)
    assert gone.returncode == 1 and "--api" in gone.stderr
    assert "--from" in query(server, "--from=yesterday").stderr


def test_a_trace_takes_the_time_that_it_was_at(server):
    send(server)
    for hint in ({}, {"around": "now"}, {"around": "2001-01-01T00:00:00Z"}, {"from": "now-1h", "to": "now"}):
        found = requests.get(server.url("api", f"/api/v1/traces/{7:032x}"), params=hint, timeout=10).json()
        assert found["span_count"] == 1 and found["partial"] is None, hint
    wrong = requests.get(server.url("api", f"/api/v1/traces/{7:032x}"), params={"around": "soon"}, timeout=10)
    assert wrong.status_code == 400 and wrong.json()["error"]["parameter"] == "around"


def test_one_tail_too_many_is_told_so(server):
    url = server.url("api", "/api/v1/logs/tail")
    open_ones = [requests.get(url, stream=True, timeout=10) for _ in range(2)]
    assert [t.status_code for t in open_ones] == [200, 200]
    refused = requests.get(url, stream=True, timeout=10)
    assert refused.status_code == 429 and int(refused.headers["Retry-After"]) > 0
    assert "query.tails_max" in refused.json()["error"]["message"]
    open_ones[0].close()

    def another():
        with requests.get(url, stream=True, timeout=10) as tail:
            return tail.status_code == 200

    poll.until("a tail that ended makes room", another)
    open_ones[1].close()
