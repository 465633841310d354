"""What the API answers beyond plain searches: analyses, traces by several spans, context, live tail, completion."""

import json
import threading
import time

import pytest
import requests

from harness import otlp, poll

NS = 1_000_000_000


@pytest.fixture
def shop(server, api, service):
    """Log records and a trace of one service and one that it calls."""
    now = time.time_ns() - 20 * NS
    bodies = [("user 1 logged in", 9), ("user 22 logged in", 9), ("timed out after 30s", 17), ("user 3 logged in", 9)]
    records = [
        {"time_unix_nano": now + i * NS, "body": body, "severity_number": severity, "attributes": {"elapsed_ms": 10 * i}}
        for i, (body, severity) in enumerate(bodies)
    ]
    assert otlp.post(server, "logs", otlp.logs(service, *records).SerializeToString()).status_code == 200
    trace_id, root, child = otlp.trace_id(), otlp.span_id(), otlp.span_id()
    span = {"trace_id": trace_id, "start_time_unix_nano": now}
    caller = otlp.traces(
        service,
        {**span, "span_id": root, "name": "GET /", "kind": 2, "end_time_unix_nano": now + NS},
    )
    called = otlp.traces(
        f"{service}-db",
        {**span, "span_id": child, "parent_span_id": root, "name": "SELECT", "kind": 2,
         "end_time_unix_nano": now + NS // 2},
    )
    called.resource_spans[0].scope_spans[0].spans[0].status.code = 2
    for request in (caller, called):
        assert otlp.post(server, "traces", request.SerializeToString()).status_code == 200
    api.logs(f"service:{service}", 4)
    return {"service": service, "trace_id": trace_id.hex(), "child": child.hex()}


def test_an_analysis_is_a_table(api, shop):
    q = f"service:{shop['service']} | stats count(), max(elapsed_ms) by level | sort -count"
    answer = api.json("/api/v1/analyse", q=q)
    assert [c["name"] for c in answer["table"]["columns"]] == ["level", "count", "max(elapsed_ms)"]
    assert answer["table"]["columns"][2]["unit"] == "ms"
    assert answer["table"]["rows"] == [["info", 3, 30.0], ["error", 1, 20.0]]
    assert answer["partial"] is None and answer["hints"] == []

    spans = api.json("/api/v1/analyse", signal="traces", q=f"service:{shop['service']}* | stats p50(duration) by service")
    rows = dict(spans["table"]["rows"])
    assert abs(rows[shop["service"]] - NS) <= NS / 64

    series = api.json("/api/v1/analyse", q=f"service:{shop['service']} | timeseries rate()")
    assert series["table"]["step_nanos"] == 30 * NS
    assert abs(sum(row[1] for row in series["table"]["rows"]) * 30 - 4) < 1e-9

    listed = api.json("/api/v1/analyse", q=f"service:{shop['service']} level:error | fields body, elapsed_ms")
    assert listed["records"]["rows"] == [[{"stringValue": "timed out after 30s"}, {"intValue": "20"}]]


def test_a_wrong_analysis_says_where(api):
    answer = api.get("/api/v1/analyse", q="a | stat count()")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["parameter"] == "q" and error["position"] == {"offset": 4, "length": 4} and error["suggestion"] == "stats"


def test_wrong_field_names_are_hinted_at(api, shop):
    answer = api.json("/api/v1/logs", q=f"service:{shop['service']} elapsed_mss>5")
    assert answer["logs"] == []
    assert [(h["name"], h["suggestion"]) for h in answer["hints"]] == [("elapsed_mss", "elapsed_ms")]


def test_traces_by_several_spans(api, shop):
    name = shop["service"]
    for q, found in (
        (f"root{{service:{name}}} {{status:error}}", 1),
        (f"{{service:{name}}} {{service:{name}-db name:SELECT}}", 1),
        (f"service:{name} status:error", 0),
        (f"root{{service:{name}}} -{{service:{name}-db}}", 0),
    ):
        poll.until(q, lambda: len(api.json("/api/v1/traces", q=q)["traces"]) == found)


def test_a_trace_as_columns_and_a_span_of_it(api, shop):
    path = f"/api/v1/traces/{shop['trace_id']}"
    api.trace(shop["trace_id"], 2)
    answer = api.json(path, format="columns")
    columns = answer["columns"]
    assert answer["spans"] == [] and answer["span_count"] == 2
    assert columns["parent"] == [-1, 0] and columns["duration"] == [NS, NS // 2] and columns["status"] == [0, 2]
    assert [columns["names"][i] for i in columns["name"]] == ["GET /", "SELECT"]
    span = api.json(f"{path}/spans/{shop['child']}")["spans"][0]
    assert span["name"] == "SELECT" and span["status"]["code"] == "ERROR"
    assert api.get(f"{path}/spans/{'0' * 15}1").status_code == 404
    assert api.get(path, format="x").status_code == 400


def test_the_map_and_the_heat_map(api, shop):
    name = shop["service"]
    edges = api.json("/api/v1/service-map", q=f"service:{name}-db")["edges"]
    assert [(e["client"], e["server"], e["peer"], e["calls"], e["errors"]) for e in edges] == [
        (name, f"{name}-db", "service", 1, 1)
    ]
    heat = api.json("/api/v1/traces/heatmap", q=f"service:{name}*", buckets=60)
    assert sum(count for _, _, count in heat["cells"]) == 2 and len(heat["rows"]) == 2


def test_context_patterns_facets_and_histogram(api, shop):
    q = f"service:{shop['service']}"
    record = api.json("/api/v1/logs", q=f"{q} level:error")["logs"][0]
    context = api.json(f"/api/v1/logs/{record['id']}/context", before=1, after=5)
    assert [r["body"]["stringValue"] for r in context["before"] + context["after"]] == ["user 22 logged in", "user 3 logged in"]
    assert api.get(f"/api/v1/logs/{'0' * 32}/context").status_code == 404

    patterns = api.json("/api/v1/logs/patterns", q=q)
    assert [(p["template"], p["count"]) for p in patterns["patterns"]] == [
        ("user <*> logged in", 3), ("timed out after <*>", 1)
    ]
    facets = api.json("/api/v1/facets", q=q, fields="level,elapsed_ms")["facets"]
    assert facets[0]["values"][0] == {"value": "info", "count": 3} and len(facets[1]["values"]) == 4
    assert (facets[0]["distinct"], facets[1]["distinct"]) == (2, 4)
    few = api.json("/api/v1/facets", q=q, fields="elapsed_ms", limit=1)["facets"]
    assert (len(few[0]["values"]), few[0]["distinct"]) == (1, 4)
    groups = api.json("/api/v1/histogram", q=q, by="level")["groups"]
    assert [(g["value"], sum(g["counts"])) for g in groups] == [("info", 3), ("error", 1)]


def test_pages_go_both_ways(api, shop):
    q = f"service:{shop['service']}"
    first = api.json("/api/v1/logs", q=q, limit=2)
    second = api.json("/api/v1/logs", q=q, limit=2, cursor=first["next_cursor"])
    back = api.json("/api/v1/logs", q=q, order="asc", cursor=second["prev_cursor"])
    assert [r["id"] for r in back["logs"]][::-1] == [r["id"] for r in first["logs"]]


def test_completion(api, shop):
    def texts(q, **params):
        return [i["text"] for i in api.json("/api/v1/complete", q=q, **params)["items"]]

    assert "elapsed_ms" in texts("elap")
    assert shop["service"] in texts(f"service:{shop['service'][:8]}")
    assert texts("a | st") == ["stats"]
    assert "p95(" in texts("| stats p")
    assert "duration" in texts("| stats p95(dur", signal="traces")


def test_live_tail(server, service):
    q = {"q": f"service:{service} level>=warn"}
    answer = requests.get(server.url("api", "/api/v1/logs/tail"), params=q, stream=True, timeout=20)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/event-stream"
    records = [
        {"time_unix_nano": time.time_ns(), "body": f"record {i}", "severity_number": 9 if i % 2 else 17} for i in range(500)
    ]
    request = otlp.logs(service, *records).SerializeToString()
    sender = threading.Timer(0.1, lambda: otlp.post(server, "logs", request))
    sender.start()
    event = next(line for line in answer.iter_lines(decode_unicode=True) if line.startswith("data: "))
    data = json.loads(event.removeprefix("data: "))
    # Half of them match, and no more than 200 are shown.
    assert (data["matched"], data["dropped"], len(data["logs"])) == (250, 50, 200)
    assert all(r["level"] == "ERROR" for r in data["logs"])
    answer.close()
    sender.join()
    wrong = requests.get(server.url("api", "/api/v1/logs/tail"), params={"q": "level:eror"}, timeout=5)
    assert wrong.status_code == 400 and wrong.json()["error"]["suggestion"] == "error"
