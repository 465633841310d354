"""What people save in the UI: dashboards byte by byte with versions, views, links, history; many queries in one request."""

import json
import time

import pytest
import requests

from harness.server import Server

TEXT = '{"dashboard": {\n  "title": "Mine",\t"panels": [ {"title": "a"} ] } }\n'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("workspace")).start()
    yield server
    server.terminate()


def call(server, method, path, **more):
    return requests.request(method, server.url("ui", f"/api/ui/v1{path}"), timeout=10, **more)


def test_a_dashboard_is_kept_as_it_came_with_versions(server):
    made = call(server, "POST", "/dashboards", json={"document": TEXT, "uid": "mine"})
    assert (made.status_code, made.json()) == (201, {"uid": "mine", "version": 1})
    assert call(server, "GET", "/dashboards/mine/export").text == TEXT
    changed = TEXT.replace("Mine", "Ours")
    assert call(server, "PUT", "/dashboards/mine", json={"document": changed, "version": 1}).json()["version"] == 2
    conflict = call(server, "PUT", "/dashboards/mine", json={"document": TEXT, "version": 1})
    assert conflict.status_code == 409 and conflict.json()["current"]["document"] == changed
    assert [v["version"] for v in call(server, "GET", "/dashboards/mine/versions").json()["versions"]] == [2, 1]
    assert call(server, "DELETE", "/dashboards/mine?version=2").status_code == 204
    assert call(server, "GET", "/dashboards/mine").status_code == 404
    assert call(server, "POST", "/dashboards/mine/restore", json={"version": 1}).json()["version"] == 4
    assert call(server, "GET", "/dashboards/mine").json()["document"] == TEXT


def test_what_is_no_dashboard_is_refused_with_its_place(server):
    refused = call(server, "POST", "/dashboards", json={"document": '{\n"a": oops}'})
    assert refused.status_code == 400 and "line 2" in refused.json()["error"]["message"]
    assert call(server, "POST", "/dashboards", json={"document": TEXT, "colour": 1}).status_code == 400


def test_shipped_dashboards_are_read_only(server):
    listed = call(server, "GET", "/dashboards").json()["dashboards"]
    shipped = [d["uid"] for d in listed if d["source"] == "shipped"]
    assert {"application", "database", "infrastructure", "business"} <= set(shipped)
    refused = call(server, "DELETE", f"/dashboards/{shipped[0]}")
    assert refused.status_code == 403 and refused.json()["error"]["kind"] == "read_only"
    assert call(server, "PUT", f"/dashboards/{shipped[0]}/star", json={"starred": True}).status_code == 204


def test_dashboards_of_files(tmp_path):
    folder = tmp_path / "boards"
    (folder / "team").mkdir(parents=True)
    (folder / "team" / "one.json").write_text(TEXT)
    config = tmp_path / "bellrock.yaml"
    config.write_text(f"dashboards: {{paths: ['{folder}']}}\n")
    server = Server(tmp_path / "server").start(f"--config={config}")
    try:
        board = call(server, "GET", "/dashboards/one").json()
        assert (board["source"], board["folder"], board["document"]) == ("file", "team", TEXT)
    finally:
        server.terminate()


def test_views_links_and_history(server):
    view = call(server, "POST", "/views", json={"name": "Errors", "url": "/logs?q=level:error"}).json()
    assert call(server, "PUT", f"/views/{view['id']}", json={"starred": True}).json()["starred"]
    assert call(server, "POST", "/views", json={"name": "x", "url": "https://elsewhere.example"}).status_code == 400
    code = call(server, "POST", "/links", json={"url": "/logs?q=a"}).json()["code"]
    assert len(code) == 8 and call(server, "POST", "/links", json={"url": "/logs?q=a"}).json()["code"] == code
    assert call(server, "GET", f"/links/{code}").json()["url"] == "/logs?q=a"
    ran = {"page": "logs", "url": "/logs", "elapsed_ms": 3.2, "rows": 7}
    for query in ("first", "second", "first"):
        assert call(server, "POST", "/history", json={**ran, "query": query}).status_code == 204
    entries = call(server, "GET", "/history?page=logs").json()["entries"]
    assert [e["query"] for e in entries] == ["first", "second"]


def test_an_investigation(server):
    document = json.dumps({"pins": [1, 2]})
    made = call(server, "POST", "/investigations", json={"title": "Why", "document": document}).json()
    again = {"title": "Why", "document": document, "version": made["version"]}
    assert call(server, "PUT", f"/investigations/{made['id']}", json=again).json()["version"] == 2
    assert call(server, "PUT", f"/investigations/{made['id']}", json=again).status_code == 409
    assert call(server, "GET", "/investigations").json()["investigations"][0]["pins"] == 2


def test_many_queries_in_one_request(server):
    now = int(time.time() * 1000) // 15_000 * 15_000
    lines = [f'busy{{n="{n}"}} {n * 100 + (i % 10)} {now - i * 15_000}' for n in range(5) for i in range(200)]
    stored = requests.post(server.url("api", "/api/v1/import/prometheus"), data="\n".join(lines) + "\n", timeout=10)
    assert stored.status_code in (200, 204), stored.text
    span = {"start_unix_milli": now - 3_000_000 + 15_000, "end_unix_milli": now, "step_milli": 15_000}
    queries = [
        {"id": "all", "kind": "range", "query": "busy", **span, "max_series": 2},
        {"id": "few", "kind": "range", "query": 'busy{n="3"}', **span, "max_points": 40},
        {"id": "now", "kind": "instant", "query": "sum(busy) / 0"},
        {"id": "bad", "kind": "instant", "query": "sum(busy"},
    ]
    answer = call(server, "POST", "/batch", json={"queries": queries})
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert lines[-1]["done"] and len(lines) == 5
    by_id = {line["id"]: line for line in lines[:-1]}
    assert by_id["all"]["total_series"] == 5
    assert sorted(s["labels"]["n"] for s in by_id["all"]["series"]) == ["3", "4"], "those with the largest values"
    assert len(by_id["all"]["series"][0]["values"]) == 200 and None not in by_id["all"]["series"][0]["values"]
    few = by_id["few"]
    assert few["decimated"]["from"] == 200 and len(few["series"][0]["values"]) == few["decimated"]["to"] <= 40
    assert {300, 309} <= set(few["series"][0]["values"]), "extremes stay"
    assert by_id["now"]["series"][0]["values"] == ["+Inf"]
    assert not by_id["bad"]["ok"] and by_id["bad"]["error"]["position"]["offset"] >= 8
