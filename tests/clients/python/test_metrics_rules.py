"""Rules that aggregate at ingest, keys as sent, and external labels, as a user configures them."""

import time

import pytest
import requests

from harness import remote_write
from harness.api import Api
from harness.server import Server

CONFIG = """
global:
  external_labels: {region: eu}
metrics:
  aggregate:
    - match: hits_total
      without: [pod]
      interval: 10s
"""


@pytest.fixture
def ruled(tmp_path):
    config = tmp_path / "bellrock.yaml"
    config.write_text(CONFIG)
    running = Server(tmp_path / "ruled")
    yield running.start(f"--config={config}"), f"--config={config}"
    running.terminate()
    assert "panicked at" not in running.log(), running.log()[-4000:]


def test_only_sums_are_stored_and_they_outlive_a_kill(ruled):
    ruled, config = ruled
    end = int(time.time()) // 10 * 10 - 10
    api = Api(ruled.url("api"))
    series = lambda pod, rate, t: ({"__name__": "hits_total", "job": "shop", "pod": pod}, [(t * 1000, 1000.0 + rate * t)])

    def send(first, last):
        for t in range(first, last + 1, 5):
            remote_write.send(ruled.url("api"), [series("a", 1, t), series("b", 3, t)])

    send(end - 120, end - 60)
    ruled.kill()
    ruled.start(config)
    send(end - 55, end + 1)
    found = api.query('hits_total', time=end)
    assert [labels for labels, _ in found] == [{"__name__": "hits_total", "job": "shop"}]
    # Four a second; nothing is lost over the kill.
    [(_, increase)] = api.query("increase(hits_total[60s])", time=end - 10)
    assert float(increase) == pytest.approx(240, abs=1)
    refused = api.json("/api/v1/cardinality")["data"]["refused"]["samples"]
    assert refused["aggregated"] > 0
    text = requests.get(ruled.url("api") + "/federate", params={"match[]": "hits_total"}, timeout=10).text
    assert 'hits_total{job="shop",instance="",region="eu"}' in text


def test_lists_of_labels_and_values_know_keys_as_sent(own_server):
    now = int(time.time() * 1000)
    remote_write.send(own_server.url("api"), [
        ({"__name__": "served_total", "http_route": route, "pod": pod}, [(now, 1.0)]) for route in ("/a", "/b") for pod in "xy"
    ])
    api = Api(own_server.url("api"))
    values = api.json("/api/v1/label/http.route/values")["data"]
    assert values == ["/a", "/b"]
    found = api.query('sum by ("http.route") (served_total{"http.route"=~"/.*"})')
    assert sorted((labels["http_route"], float(value)) for labels, value in found) == [("/a", 2), ("/b", 2)]
    found = api.query('served_total / on ("http.route", pod) served_total')
    assert len(found) == 4
