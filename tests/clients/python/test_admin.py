"""What an operator decides about the Prometheus API: whether there are snapshots, which pages may read."""

import re
import shutil
import time

import requests

from harness import remote_write
from harness.api import Api
from harness.server import Server

SNAPSHOT = "/api/v1/admin/tsdb/snapshot"


def test_snapshots_are_refused_unless_they_are_allowed(tmp_path):
    with Server(tmp_path) as server:
        answer = requests.post(server.url("api", SNAPSHOT), timeout=10)
        assert answer.status_code == 503
        assert answer.json() == {"status": "error", "errorType": "unavailable", "error": "admin APIs disabled"}
        assert not (server.data_dir / "metrics-snapshots").exists()


def test_a_snapshot_is_the_metrics_of_another_server(tmp_path):
    config = tmp_path / "bellrock.yaml"
    config.write_text("server: {admin_api: true, cors_origin: 'https://.+[.]example'}\n")
    now = int(time.time() * 1000)
    server = Server(tmp_path / "first").start(f"--config={config}")
    try:
        remote_write.send(server.url("api"), [({"__name__": "kept", "job": "a"}, [(now, 42.0)])])
        for origin, shown in (("https://a.example", "https://a.example"), ("https://example", None)):
            answer = requests.get(server.url("api", "/api/v1/labels"), headers={"Origin": origin}, timeout=10)
            assert answer.headers.get("Access-Control-Allow-Origin") == shown
        url = server.url("api", SNAPSHOT)
        assert requests.get(url, timeout=10).status_code == 405
        assert requests.post(url, params={"skip_head": "perhaps"}, timeout=10).json()["errorType"] == "bad_data"
        answers = [requests.request(method, url, timeout=30).json() for method in ("POST", "PUT")]
        names = [answer["data"]["name"] for answer in answers]
        assert all(answer == {"status": "success", "data": {"name": name}} for answer, name in zip(answers, names))
        assert all(re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{16}", name) for name in names) and names[0] != names[1]
    finally:
        server.terminate()
    shutil.copytree(server.data_dir / "metrics-snapshots" / names[0], tmp_path / "second" / "data" / "metrics")
    with Server(tmp_path / "second") as second:
        assert Api(second.url("api")).query("kept", time=now / 1000) == [({"__name__": "kept", "job": "a"}, 42.0)]
