"""The ports that operators look at: health_check, zpages, pprof."""

import gzip
import threading

import pytest
import requests

from harness import otlp, poll
from harness.backend import BackEnd, numbered
from harness.collector import Collector
from harness.server import free_port

CONFIG = """
receivers:
  otlp: {protocols: {http: {endpoint: '{http}'}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 2000}
  batch: {}
exporters:
  otlphttp/up: {endpoint: UP}
  otlphttp/away: {endpoint: AWAY, retry_on_failure: {initial_interval: 50ms, max_interval: 100ms}}
extensions:
  health_check: {endpoint: '{health}'}
  zpages: {endpoint: '127.0.0.1:ZPAGES'}
  pprof: {endpoint: '127.0.0.1:PPROF'}
service:
  extensions: [health_check, zpages, pprof]
  pipelines:
    logs: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlphttp/up]}
    traces/second: {receivers: [otlp], exporters: [otlphttp/away]}
"""


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    with BackEnd() as backend:
        ports = {"ZPAGES": free_port(), "PPROF": free_port()}
        yaml = CONFIG.replace("UP}", f"'{backend.url()}'}}").replace("AWAY", f"'http://127.0.0.1:{free_port()}'")
        for name, port in ports.items():
            yaml = yaml.replace(f":{name}'", f":{port}'")
        agent = Collector(tmp_path_factory.mktemp("agent"), yaml).start()
        agent.ports.update({"zpages": ports["ZPAGES"], "pprof": ports["PPROF"]})
        yield agent
        assert "panicked at" not in agent.log()
        agent.terminate()


def page(agent, path):
    answer = requests.get(agent.url("zpages", path + "?format=json"), timeout=5)
    assert answer.status_code == 200, path
    return answer.json()


def test_health_of_all_and_of_each_pipeline(agent):
    span = {"trace_id": otlp.trace_id(), "span_id": otlp.span_id(), "name": "x", "start_time_unix_nano": 1, "end_time_unix_nano": 2}
    assert otlp.post(agent, "traces", otlp.traces("health", span).SerializeToString()).status_code == 200

    def whole():
        return requests.get(agent.url("health", "/"), timeout=5)

    poll.until("the exporter says that it cannot send", lambda: whole().json()["pipelines"]["traces/second"] == "StatusRecoverableError")
    # It is tried again: the whole works.
    assert whole().status_code == 200 and whole().json()["status"] == "Server available"
    assert whole().json()["pipelines"]["logs"] == "StatusOK"

    def of(pipeline):
        return requests.get(agent.url("health", "/status"), params={"pipeline": pipeline}, timeout=5)

    assert of("logs").json()["healthy"] and set(of("logs").json()["components"]) == {"receivers.otlp", "processors.batch of logs", "exporters.otlphttp/up"}
    second = of("traces/second").json()
    assert second["status"] == "StatusRecoverableError" and "refused" in second["components"]["exporters.otlphttp/away"]["error"]
    assert of("metrics").status_code == 404


def test_zpages(agent):
    assert otlp.post(agent, "logs", numbered("zpages", 1)).status_code == 200
    assert otlp.post(agent, "logs", b"\xff").status_code == 400
    assert requests.post(agent.url("otlp_http", "/v1/nothing"), timeout=5).status_code == 404
    assert requests.post(agent.url("otlp_http", "/v1/logs"), data=b"x", headers={"Content-Type": "text/plain"}, timeout=5).status_code == 415

    pipelines = page(agent, "/debug/pipelinez")
    assert pipelines["pipelines"]["logs"] == ["exporters.otlphttp/up", "processors.batch of logs", "receivers.otlp"]
    assert pipelines["components"]["receivers.otlp"]["status"] == "StatusOK"
    assert set(page(agent, "/debug/extensionz")) == {"extensions.health_check", "extensions.zpages", "extensions.pprof"}
    received = page(agent, "/debug/servicez")["received"]["logs"]
    assert received["accepted"] >= 1 and received["refused"] >= 2 and received["last_received_ms"] > 0
    codes = {(entry["code"], entry["signal"]) for entry in page(agent, "/debug/refusalz")}
    assert {("400", "logs"), ("415", "logs"), ("404", None)} <= codes, codes
    # What the process did itself.
    traces = page(agent, "/debug/tracez")
    steps = {step: spans for step, spans in traces["otlp http logs"].items() if step != "failed"}
    assert any("1 log records of 127.0.0.1" in span["what"] for spans in steps.values() for span in spans["latest"]), traces
    assert any("content type" in span["what"] for span in traces["otlp http logs"]["failed"]["latest"])
    poll.until("what was sent on", lambda: "exporters.otlphttp/up logs" in page(agent, "/debug/tracez"))
    # For people with a terminal.
    text = requests.get(agent.url("zpages", "/debug/refusalz"), timeout=5)
    assert text.headers["Content-Type"].startswith("text/plain") and "content type" in text.text
    assert requests.get(agent.url("zpages", "/nothing"), timeout=5).status_code == 404


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7


def fields(data):
    """Numbers and values of a message: integers, or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            assert key & 7 == 2, f"wire type {key & 7}"
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        yield key >> 3, value


def test_a_profile_of_the_processor(agent):
    stop = threading.Event()
    body = otlp.logs("pprof", *({"body": f"record {n}"} for n in range(2000))).SerializeToString()

    def busy():
        while not stop.is_set():
            otlp.post(agent, "logs", body)

    threads = [threading.Thread(target=busy, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        url = agent.url("pprof", "/debug/pprof/profile")
        answer = requests.get(url, params={"seconds": 1}, timeout=30)
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
    assert answer.status_code == 200, answer.text
    # google/pprof, profile.proto: sample 2, location 4, function 5, string_table 6, period 12.
    profile = list(fields(gzip.decompress(answer.content)))
    strings = [value.decode() for number, value in profile if number == 6]
    assert strings[0] == "" and {"cpu", "nanoseconds"} <= set(strings)
    assert any(number == 2 for number, _ in profile) and any(number == 4 for number, _ in profile)
    names = " ".join(strings)
    assert "pipeline" in names or "tokio" in names, names[:2000]
    assert requests.get(url, params={"seconds": 0}, timeout=5).status_code == 400
    assert requests.get(agent.url("pprof", "/debug/pprof/heap"), timeout=5).status_code == 501
