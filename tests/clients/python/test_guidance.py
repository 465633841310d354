"""What the web UI asks when people do not know what to ask, over a real server: explain, why-empty, start, the demo, search."""

import json
import time

import pytest
import requests

from harness import poll
from harness.server import Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("guidance")) as running:
        yield running


def ask(server, path, body):
    return requests.post(server.url("ui", f"/api/ui/v1{path}"), json=body, timeout=30)


def attribute(key, value):
    return {"key": key, "value": {"stringValue": value}}


def send_spans(server, spans):
    resource = {"attributes": [attribute("service.name", "checkout"), attribute("telemetry.sdk.language", "go")]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    answer = requests.post(server.url("otlp_http", "/v1/traces"), json=body, timeout=10)
    assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def faulty(server):
    """400 spans of the last minutes; every tenth fails, all of those by one statement."""
    now = time.time_ns()
    spans = []
    for i in range(400):
        failed = i % 10 == 0
        start = now - (400 - i) * 500_000_000
        spans.append(
            {
                "traceId": f"{i + 1:032x}",
                "spanId": f"{i + 1:016x}",
                "name": "GET /cart",
                "kind": 2,
                "startTimeUnixNano": str(start),
                "endTimeUnixNano": str(start + 5_000_000 + i % 7 * 1_000_000),
                "status": {"code": 2 if failed else 0},
                "attributes": [
                    attribute("db.statement", "SELECT slow" if failed else f"SELECT {i % 4}"),
                    attribute("request.id", f"r-{i}"),
                ],
            }
        )
    send_spans(server, spans)
    return {"from_unix_milli": now // 1_000_000 - 600_000, "to_unix_milli": now // 1_000_000 + 1000}


def test_explain_names_the_fault(server, faulty):
    body = {"signal": "traces", **faulty, "filter": "service:checkout", "selection": {"q": "status:error"}, "limit": 30}
    answer = ask(server, "/explain", {**body, "baseline": {"kind": "rest"}})
    assert answer.status_code == 200, answer.text
    found = answer.json()
    assert (found["selection"]["count"], found["baseline"]["count"], found["sampled"]) == (40, 360, None)
    assert found["sentence"] == "100 % of the selection have `db.statement=SELECT slow` (baseline 0 %)"
    best = found["attributes"][0]
    assert (best["key"], best["scope"], best["significant"]) == ("db.statement", "record", True)
    assert best["values"][0] == {
        "value": "SELECT slow",
        "selection": 40,
        "baseline": 0,
        "term": 'db.statement:"SELECT slow"',
    }
    assert {a["key"]: a["demoted"] for a in found["attributes"]}["request.id"] == "id"
    assert found["partial"] is None and found["stats"]["elapsed_ms"] > 0
    previous = ask(server, "/explain", {**body, "baseline": {"kind": "previous"}}).json()
    assert previous["baseline"]["count"] == 0 and "baseline is empty" in previous["sentence"]


def test_wrong_requests_say_what_is_wrong(server, faulty):
    for body, word in [
        ({"signal": "traces", **faulty, "filtre": ""}, "filtre"),
        ({"signal": "traces", **faulty, "filter": "duration>fast"}, "fast"),
        ({"signal": "traces", **faulty, "limit": 0}, "limit"),
        ({"signal": "traces", "from_unix_milli": 5, "to_unix_milli": 5}, "empty"),
    ]:
        answer = ask(server, "/explain", body)
        assert answer.status_code == 400 and word in answer.text, answer.text


def test_why_empty_counts_without_each_term(server, faulty):
    body = {"signal": "traces", "query": "service:checkout status:ok", **faulty}
    found = ask(server, "/why-empty", body).json()
    assert found["reason"] == "filtered"
    assert found["sentence"] == "400 spans match without `status:ok`"
    assert found["terms"][0] == {"text": "status:ok", "position": {"offset": 17, "length": 9}, "without": 400}
    assert found["accepted"] >= 400 and found["retention_seconds"] is not None
    early = {"from_unix_milli": faulty["from_unix_milli"] - 3_600_000, "to_unix_milli": faulty["from_unix_milli"]}
    late = ask(server, "/why-empty", {"signal": "traces", "query": "", **early}).json()
    assert late["reason"] == "out_of_range" and late["newest_unix_milli"] > early["to_unix_milli"]


def test_why_empty_repairs_promql(server):
    line = 'http_requests_total{service="checkout",status_code="500"} 5\n'
    answer = requests.post(server.url("api", "/api/v1/import/prometheus"), data=line, timeout=10)
    assert answer.status_code in (200, 204), answer.text
    now = int(time.time() * 1000)
    asked = {"signal": "metrics", "from_unix_milli": now - 60_000, "to_unix_milli": now + 1000}
    found = ask(server, "/why-empty", {**asked, "query": 'sum(rate(http_requests_total{status=~"5.."}[5m]))'}).json()
    assert found["reason"] == "label_mismatch"
    assert found["mismatches"][0]["fixed_query"] == 'sum(rate(http_requests_total{status_code=~"5.."}[5m]))'
    found = ask(server, "/why-empty", {**asked, "query": "rate(http_requests_total[5m])"}).json()
    assert (found["reason"], found["waiting"]["samples"]) == ("waiting", 1)
    before = {"signal": "metrics", "from_unix_milli": now - 7_200_000, "to_unix_milli": now - 3_600_000}
    found = ask(server, "/why-empty", {**before, "query": "http_requests_total"}).json()
    assert found["reason"] == "out_of_range"
    assert now - 60_000 <= found["oldest_unix_milli"] == found["newest_unix_milli"] <= now
    assert ask(server, "/why-empty", {**asked, "query": "sum("}).status_code == 400


def test_a_test_follows_its_own_data(server):
    answer = requests.post(server.url("ui", "/api/ui/v1/start/test"), json={}, timeout=60)
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    steps = [(line["signal"], line["step"], line["ok"]) for line in lines[:-1]]
    assert steps == [
        (signal, step, True)
        for signal in ("traces", "logs", "metrics")
        for step in ("send", "receive", "store", "query")
    ], lines
    end = lines[-1]
    assert end["done"] and end["ok"] and end["metric"] == "bellrock_test_value"
    trace = requests.get(server.url("ui", f"/api/v1/traces/{end['trace_id']}"), timeout=10)
    assert trace.status_code == 200 and "bellrock-test" in trace.text
    assert requests.get(server.url("ui", f"/api/v1/logs/{end['log_id']}/context"), timeout=10).status_code == 200


def test_start_lists_who_sends_and_what_was_refused(server, faulty):
    requests.post(server.url("otlp_http", "/wrong"), data=b"x", timeout=10)
    found = requests.get(server.url("ui", "/api/ui/v1/start"), timeout=10).json()
    checkout = {a["service"]: a for a in found["signals"]["traces"]}["checkout"]
    assert (checkout["language"], checkout["count"]) == ("go", 400)
    assert checkout["example"]["trace_id"] == f"{400:032x}"
    refusal = {r["code"]: r for r in found["refusals"]}["wrong_path"]
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in refusal["fix"]
    assert (refusal["peer"], refusal["port"], refusal["origin"]) == ("127.0.0.1", server.ports["otlp_http"], None)
    assert found["endpoints"]["otlp_http"].endswith(str(server.ports["otlp_http"]))
    assert found["demo"] == {"running": False, "switchable": True, "removable": False}


def test_start_knows_where_a_refusal_came_from(server):
    page = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    requests.options(server.url("otlp_http", "/v1/traces"), headers=page, timeout=10)
    # HTTP is understood on the gRPC port; what it asks for is not there.
    requests.get(server.url("otlp_grpc", "/metrics"), timeout=10)
    found = requests.get(server.url("ui", "/api/ui/v1/start"), timeout=10).json()
    refusals = {(r["code"], r["port"]): r for r in found["refusals"]}
    assert refusals["cors_origin", server.ports["otlp_http"]]["origin"] == "https://shop.example"
    assert "/metrics" in refusals["wrong_path", server.ports["otlp_grpc"]]["message"]


def test_start_lists_who_sends_metrics(server):
    now = time.time_ns()
    point = {"startTimeUnixNano": str(now - 60_000_000_000), "timeUnixNano": str(now), "asInt": "3"}
    total = {"dataPoints": [point], "aggregationTemporality": 1, "isMonotonic": True}
    bounds = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10000]
    counts = ["7", *["0"] * len(bounds)]
    point = {**point, "count": "7", "sum": 0.3, "explicitBounds": bounds, "bucketCounts": counts}
    del point["asInt"]
    slow = {"dataPoints": [point], "aggregationTemporality": 2}
    metrics = [{"name": "clicks", "sum": total}, {"name": "http.duration", "unit": "s", "histogram": slow}]
    resource = {"attributes": [attribute("service.name", "page"), attribute("telemetry.sdk.language", "webjs")]}
    body = {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]}
    answer = requests.post(server.url("otlp_http", "/v1/metrics"), json=body, timeout=10)
    assert answer.status_code == 200, answer.text
    found = requests.get(server.url("ui", "/api/ui/v1/start"), timeout=10).json()
    page = {a["service"]: a for a in found["signals"]["metrics"]}["page"]
    assert {w["code"] for w in page["warnings"]} == {"delta", "default_bounds"}
    assert page["first_unix_milli"] == now // 1_000_000
    assert page["example"]["metric"] in ("clicks_total", "http_duration_seconds_bucket"), page


def test_search_finds_services_metrics_and_dashboards(server, faulty):
    def search(q):
        url = server.url("ui", "/api/ui/v1/search")
        return requests.get(url, params={"q": q, "limit": 20}, timeout=10).json()["results"]

    assert search("checkout")[0] == {"kind": "service", "title": "checkout", "detail": "", "url": "/services/checkout"}
    assert ("dashboard", "/dashboards/postgresql") in [(r["kind"], r["url"]) for r in search("postgres")]
    assert requests.get(server.url("ui", "/api/ui/v1/search?limit=0"), timeout=10).status_code == 400


def test_the_demo_is_switched(server):
    demo = server.url("ui", "/api/ui/v1/demo")
    assert requests.post(demo, json={"running": True}, timeout=30).json() == {"running": True}
    assert requests.get(server.url("ui", "/api/v1/status"), timeout=10).json()["demo"] is True

    def demo_sends():
        found = requests.get(server.url("ui", "/api/ui/v1/start"), timeout=30).json()
        return "meetsmatch-api" in [a["service"] for a in found["signals"]["traces"]]

    poll.until("the demo sends", demo_sends, 120)
    assert requests.post(demo, json={"running": False}, timeout=30).json() == {"running": False}
    assert requests.post(demo, json={"running": False}, timeout=30).json() == {"running": False}
    removed = requests.delete(demo, timeout=10)
    assert removed.status_code == 501 and "age" in removed.text


def test_errors_know_whom_they_met_and_in_which_version_they_began(server):
    now = time.time_ns()

    def raised(trace, user):
        event = {
            "name": "exception",
            "timeUnixNano": str(now),
            "attributes": [attribute("exception.type", "IOError"), attribute("exception.message", "disk full")],
        }
        return {
            "traceId": f"{trace:032x}",
            "spanId": f"{trace:016x}",
            "name": "PUT /file",
            "startTimeUnixNano": str(now - 1_000_000),
            "endTimeUnixNano": str(now),
            "events": [event],
            "attributes": [attribute("user.id", user)],
        }

    spans = [raised(9001, "ann"), raised(9002, "bob"), raised(9003, "ann")]
    resource = {"attributes": [attribute("service.name", "files"), attribute("service.version", "4.2")]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    assert requests.post(server.url("otlp_http", "/v1/traces"), json=body, timeout=10).status_code == 200

    def found():
        answer = requests.get(server.url("api", "/api/v1/errors"), params={"service": "files"}, timeout=10)
        return answer.json()["errors"]

    [group] = poll.until("the error is derived", found, 10)
    assert (group["count"], group["users"], group["users_estimated"]) == (3, 2, False)
    assert (group["first_version"], group["regressed_unix_milli"]) == ("4.2", None)
