"""How Prometheus metrics get in: a real Prometheus writes to the server, the server scrapes one, text is imported."""

import json
import time

import pytest
import requests

from harness import poll, prometheus
from harness.api import Api
from harness.prometheus import Prometheus
from harness.server import Server, free_port

with_prometheus = pytest.mark.skipif(not prometheus.installed(), reason=prometheus.MISSING)


def configured(folder, text):
    """A server with a configuration file."""
    server = Server(folder)
    path = server.folder / "bellrock.yaml"
    path.write_text(text)
    return server.start(f"--config={path}")


def value_of(api, query):
    return float(api.one(query)[1])


@with_prometheus
def test_a_real_prometheus_writes_to_the_server(own_server, tmp_path):
    config = f"""
global: {{scrape_interval: 1s, external_labels: {{from: real}}}}
scrape_configs:
  - job_name: self
    static_configs: [{{targets: ['127.0.0.1:{{port}}']}}]
remote_write:
  - url: {own_server.url("api", "/api/v1/write")}
    metadata_config: {{send_interval: 1s}}
    queue_config: {{batch_send_deadline: 1s}}
  - url: {own_server.url("otlp_http", "/api/v1/write")}
    write_relabel_configs: [{{target_label: second, replacement: x}}]
"""
    theirs = Prometheus(tmp_path / "prometheus")
    theirs.config.write_text(config.replace("{port}", str(theirs.port)))
    with theirs:
        api = Api(own_server.url("api"))
        assert value_of(api, 'up{job="self",from="real",second=""}') == 1
        assert value_of(api, 'up{second="x"}') == 1

        def same_series():
            count = 'count({job="self",second=""})'
            ours = value_of(api, count)
            answer = requests.get(theirs.url + "/api/v1/query", params={"query": 'count({job="self"})'}, timeout=10)
            return ours > 200 and ours == float(answer.json()["data"]["result"][0]["value"][1])

        poll.until("all series arrive", same_series)
        # Values are the same: a build information is 1, start times have all digits.
        answer = requests.get(theirs.url + "/api/v1/query", params={"query": "process_start_time_seconds"}, timeout=10)
        wanted = float(answer.json()["data"]["result"][0]["value"][1])
        assert value_of(api, 'process_start_time_seconds{second=""}') == wanted

        def metadata():
            found = api.json("/api/v1/metadata", metric="go_goroutines")["data"]
            return found and found["go_goroutines"][0]["type"] == "gauge"

        poll.until("metadata arrives", metadata)

        # Nothing was dropped or refused on their side.
        def counted(name):
            answer = requests.get(theirs.url + "/api/v1/query", params={"query": f"sum({name})"}, timeout=10).json()
            return float(answer["data"]["result"][0]["value"][1]) if answer["data"]["result"] else 0

        poll.until("samples are counted as sent", lambda: counted("prometheus_remote_storage_samples_total") > 500)
        assert counted("prometheus_remote_storage_samples_failed_total") == 0
        assert counted("prometheus_remote_storage_samples_dropped_total") == 0


@with_prometheus
@pytest.mark.parametrize("native", [False, True], ids=["text", "protobuf"])
def test_the_server_scrapes_a_real_prometheus(tmp_path, native):
    with Prometheus(tmp_path / "prometheus") as theirs:
        targets = tmp_path / "targets.json"
        targets.write_text(json.dumps([{"targets": [f"127.0.0.1:{theirs.port}"], "labels": {"zone": "z1"}}]))
        gone = free_port()
        config = f"""
scrape_configs:
  - job_name: prometheus
    scrape_interval: 1s
    scrape_native_histograms: {str(native).lower()}
    file_sd_configs: [{{files: ['{targets}']}}]
    metric_relabel_configs:
      - {{source_labels: [__name__], regex: 'go_memstats_.*', action: drop}}
  - job_name: gone
    scrape_interval: 1s
    static_configs: [{{targets: ['127.0.0.1:{gone}']}}]
"""
        server = configured(tmp_path / "own", config)
        try:
            api = Api(server.url("api"))
            poll.until("up", lambda: api.query('up{job="prometheus",zone="z1"} == 1'))
            poll.until("down", lambda: api.query('up{job="gone"} == 0'))
            assert value_of(api, 'prometheus_build_info{version=~"2.*"}') == 1
            assert value_of(api, 'scrape_samples_scraped{job="prometheus"}') > 200
            assert api.query('count({__name__=~"go_memstats_.*"})') == []
            # Histograms of theirs have no native buckets: the classic ones are there in either format.
            assert api.query('prometheus_http_request_duration_seconds_bucket{le="+Inf"}') is not None

            data = api.json("/api/v1/targets")["data"]
            by_job = {target["labels"]["job"]: target for target in data["activeTargets"]}
            assert by_job["prometheus"]["health"] == "up" and by_job["prometheus"]["lastError"] == ""
            assert by_job["gone"]["health"] == "down" and "refused" in by_job["gone"]["lastError"]
            assert api.json("/api/v1/scrape_pools")["data"]["scrapePools"] == ["gone", "prometheus"]
            of_target = api.json("/api/v1/targets/metadata", metric="go_goroutines")["data"]
            assert of_target[0]["type"] == "gauge" and of_target[0]["help"].startswith("Number of goroutines")

            # The target leaves the file: its series end.
            targets.write_text("[]")
            poll.until("the series end", lambda: api.query('up{job="prometheus"}') == [], deadline_s=30)
        finally:
            server.terminate()


def test_a_wrong_scrape_configuration_is_refused_with_its_line(tmp_path):
    server = Server(tmp_path / "own")
    path = tmp_path / "bellrock.yaml"
    path.write_text("scrape_configs:\n  - job_name: a\n    scrape_intervall: 5s\n")
    server.spawn(f"--config={path}")
    assert server.process.wait(15) != 0
    assert "bellrock.yaml:3:5: error" in server.log() and "did you mean `scrape_interval`?" in server.log()


def test_text_is_imported(server, api, service):
    url = server.url("api", "/api/v1/import/prometheus")
    now = int(time.time() * 1000)
    text = f"# TYPE jobs_total counter\njobs_total{{s=\"{service}\"}} 3 {now - 1000}\njobs_total{{s=\"{service}\",x=\"1\"}} 4\n"
    answer = requests.post(url, params={"extra_label": "env=ci"}, data=text, timeout=10)
    assert (answer.status_code, answer.text) == (204, "")
    labels, value = api.one(f'jobs_total{{s="{service}",x=""}}')
    assert (labels["env"], value) == ("ci", 3)
    open_metrics = f'ops{{s="{service}"}} 1.5 {now / 1000}\n# EOF\n'
    headers = {"content-type": "application/openmetrics-text; version=1.0.0"}
    assert requests.post(url, data=open_metrics, headers=headers, timeout=10).status_code == 204
    assert api.one(f'ops{{s="{service}"}}')[1] == 1.5
    broken = requests.post(url, data="fine 1\nbroken x\n", timeout=10)
    assert (broken.status_code, broken.text) == (400, 'line 2: expected a number, found "x"')
    assert api.query("fine") == []
    old = requests.post(url, data=f'old{{s="{service}"}} 1 1000\n', timeout=10)
    assert old.status_code == 400 and "out of bounds" in old.text


def test_what_was_answered_survives_a_kill(tmp_path):
    server = Server(tmp_path / "own").start()
    now = int(time.time() * 1000)
    url = server.url("api", "/api/v1/import/prometheus")
    assert requests.post(url, data=f"kept 7 {now}\n", timeout=10).status_code == 204
    server.kill()
    server.start()
    try:
        assert Api(server.url("api")).one("kept")[1] == 7
    finally:
        server.terminate()
