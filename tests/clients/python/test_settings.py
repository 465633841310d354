"""What the settings pages ask: queries that run and can be stopped, what another retention would remove, what is in memory, and the
server's own metrics on the port of the page."""

import threading
import time

import requests

from harness import poll

# Twenty additions, four million times: long enough to be stopped on any machine.
LONG = f"count_over_time(({' + '.join(['vector(1)'] * 20)})[50d:1s])"


def test_a_running_query_is_listed_and_stopped(own_server):
    answers = []
    query = LONG

    def ask():
        url = own_server.url("api", "/api/v1/query")
        answers.append(requests.post(url, data={"query": query}, timeout=120))

    asking = threading.Thread(target=ask)
    asking.start()

    def running():
        found = requests.get(own_server.url("ui", "/api/v1/queries"), timeout=10).json()
        return [q for q in found["running"] if q["query"] == query and q["queued_ms"] is not None]

    [seen] = poll.until("it runs", running, 20)
    assert seen["request"] == "POST /api/v1/query" and not seen["cancelled"]
    begin = time.monotonic()
    assert requests.delete(own_server.url("ui", f"/api/v1/queries/{seen['id']}"), timeout=10).status_code == 204
    asking.join(timeout=30)
    assert not asking.is_alive() and time.monotonic() - begin < 20
    assert answers[0].status_code != 200 and "cancel" in answers[0].text, answers[0].text
    found = requests.get(own_server.url("ui", "/api/v1/queries"), timeout=10).json()
    assert found["running"] == [] and found["cancelled"] == 1 and found["slots"] >= 2
    assert (found["slowest"][0]["query"], found["slowest"][0]["cancelled"]) == (query, True)
    # It has ended, and so has what never was.
    for gone in (seen["id"], "nobody"):
        answer = requests.delete(own_server.url("ui", f"/api/v1/queries/{gone}"), timeout=10)
        assert answer.status_code == 404 and str(gone) in answer.json()["error"]["message"]


def test_texts_of_queries_are_known_whatever_the_face(own_server):
    requests.get(own_server.url("api", "/api/v1/logs"), params={"q": "level:error"}, timeout=10)
    now = int(time.time() * 1000)
    batch = {"queries": [{"id": "a", "kind": "instant", "query": "up + 1", "time_unix_milli": now}]}
    requests.post(own_server.url("ui", "/api/ui/v1/batch"), json=batch, timeout=10)
    found = requests.get(own_server.url("ui", "/api/v1/queries"), timeout=10).json()["slowest"]
    seen = {(q["request"], q["query"]) for q in found}
    assert {("GET /api/v1/logs", "level:error"), ("POST /api/ui/v1/batch", "up + 1")} <= seen


def test_another_retention_is_tried_without_removing_anything(own_server):
    body = {"signal": "logs", "retention": "2d", "size_max": "1GiB"}
    url = own_server.url("ui", "/api/v1/storage/retention/preview")
    found = requests.post(url, json=body, timeout=10)
    assert found.status_code == 200, found.text
    assert found.json()["yaml"] == "storage:\n  logs:\n    retention: 2d\n    size_max: 1GiB\n"
    assert (found.json()["bytes"], found.json()["removals"], found.json()["before_unix_milli"]) == (0, [], None)
    for wrong, word in [
        ({"signal": "spans"}, "spans"),
        ({"signal": "logs", "retention": "soon"}, "soon"),
        ({"signal": "logs", "size_max": "big"}, "big"),
        ({"signal": "logs", "days": 3}, "days"),
    ]:
        answer = requests.post(url, json=wrong, timeout=10)
        assert answer.status_code == 400 and word in answer.text, answer.text


def test_what_is_in_memory_is_part_of_the_storage(own_server):
    line = "http_requests_total 5\n"
    answer = requests.post(own_server.url("api", "/api/v1/import/prometheus"), data=line, timeout=10)
    assert answer.status_code in (200, 204), answer.text
    found = requests.get(own_server.url("ui", "/api/v1/storage"), timeout=10).json()
    memory = {m["signal"]: m for m in found["memory"]}
    assert set(memory) == {"logs", "traces", "metrics"}
    assert memory["metrics"]["records"] >= 1 and memory["metrics"]["bytes"] > 0


def test_the_page_reads_the_servers_own_metrics(own_server):
    answer = requests.get(own_server.url("ui", "/api/v1/self-metrics"), timeout=10)
    assert answer.headers["content-type"].startswith("text/plain")
    names = {line.split("{")[0].split(" ")[0] for line in answer.text.splitlines() if not line.startswith("#")}
    assert {"process_resident_memory_bytes", "bellrock_queries_running", "bellrock_query_seconds_count"} <= names
