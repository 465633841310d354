"""Objectives: the budgets of the design as they are, confirmed from proposals, counted, kept over a crash, alerted on."""

import time

import requests

from harness import poll
from harness.server import Server

BUDGETS = """
error_budgets:
  api_availability:
    slo: 99.9%
    window: 30d
    budget: 0.1%  # 43.2 minutes downtime per month

  api_latency:
    slo: 95th_percentile < 500ms
    window: 7d
    budget: 5%    # 5% of requests can exceed 500ms
"""

MINUTE = 60_000


def minutes_of_traffic(server, now_ms, minutes=20):
    """Sixty requests a minute, one of which fails and three of which are slow."""
    lines = []
    begin = now_ms // MINUTE * MINUTE - minutes * MINUTE
    for step in range(minutes * 2 + 1):
        at, done = begin + step * MINUTE // 2, step * 30
        bad, slow = step // 2, step * 3 // 2
        labels = 'service="meetsmatch-api"'
        lines += [
            f'http_requests_total{{{labels},status="200"}} {done - bad} {at}',
            f'http_requests_total{{{labels},status="503"}} {bad} {at}',
            f'http_request_duration_seconds_bucket{{{labels},le="0.5"}} {done - slow} {at}',
            f'http_request_duration_seconds_bucket{{{labels},le="+Inf"}} {done} {at}',
        ]
    answer = requests.post(server.url("api", "/api/v1/import/prometheus"), data="\n".join(lines) + "\n", timeout=10)
    assert answer.status_code in (200, 204), answer.text


def slo(server, name):
    return requests.get(server.url("api", f"/api/v1/slos/{name}"), timeout=10).json()


def counted(server, name):
    return poll.until(f"{name} is counted", lambda: slo(server, name)["groups"] or None, deadline_s=30)[0]


def confirm(server, name):
    proposals = requests.get(server.url("api", f"/api/v1/slos/{name}/proposals"), timeout=10).json()["proposals"]
    answer = requests.post(server.url("api", f"/api/v1/slos/{name}/confirm"), json=proposals[0]["indicator"], timeout=30)
    assert answer.status_code == 200, answer.text
    return proposals[0]


def test_budgets_of_the_design_from_a_promise_to_an_alert(tmp_path):
    server = Server(tmp_path / "server").start()
    try:
        minutes_of_traffic(server, int(time.time() * 1000))
        answer = requests.post(server.url("api", "/api/v1/slos"), data=BUDGETS, timeout=10)
        assert answer.status_code == 200, answer.text
        assert answer.json()["accepted"] == ["api_availability", "api_latency"]
        assert all("does not say what is counted" in f["message"] for f in answer.json()["findings"])
        assert slo(server, "api_latency")["groups"] == []

        taken = confirm(server, "api_availability")
        assert taken["reason"].startswith("http_requests_total of meetsmatch-api: bad where status is")
        confirm(server, "api_latency")
        availability, latency = counted(server, "api_availability"), counted(server, "api_latency")
        assert availability["total"] >= 19 * 60 and availability["bad"] >= 19
        assert abs(availability["bad"] / availability["total"] - 1 / 60) < 1e-3
        assert availability["budget"]["remaining"] < 0, availability["sentence"]
        assert abs(latency["sli"] - 0.95) < 5e-3

        who = requests.get(server.url("api", "/api/v1/slos/api_availability/spent?by=status"), timeout=10).json()["rows"]
        assert who[0]["value"] == "503" and who[0]["share"] == 1

        def burning():
            data = requests.get(server.url("api", "/api/v1/alerts"), timeout=10).json()["data"]["alerts"]
            return next((a for a in data if a["labels"]["alertname"] == "ApiAvailabilityErrorBudgetBurn"), None)

        alert = poll.until("an alert of the budget", burning, deadline_s=90)
        assert alert["labels"]["sloth_severity"] in ("page", "ticket")
        found = requests.get(
            server.url("api", "/api/v1/query"), params={"query": "slo:period_error_budget_remaining:ratio"}, timeout=10
        ).json()["data"]["result"]
        assert {series["metric"]["sloth_slo"] for series in found} == {"api_availability", "api_latency"}

        server.kill()
        server.start()
        assert counted(server, "api_availability")["bad"] >= 19, "counted again from what is stored"
    finally:
        server.terminate()


def test_what_is_wrong_is_said_and_nothing_is_taken(tmp_path):
    server = Server(tmp_path / "server").start()
    try:
        text = "slos:\n  a: {objective: 99.9, window: 30d, indicator: {up: x}}\n  b: {objective: 99%, window: 7d, indicator: {up: x}}\n"
        answer = requests.post(server.url("api", "/api/v1/slos"), data=text, timeout=10)
        assert answer.status_code == 400
        (finding,) = answer.json()["findings"]
        assert (finding["line"], finding["path"]) == (2, "slos.a.objective") and "99.9%" in finding["message"]
        assert requests.get(server.url("api", "/api/v1/slos"), timeout=10).json()["slos"] == []
        assert requests.delete(server.url("api", "/api/v1/slos/a"), timeout=10).status_code == 404
    finally:
        server.terminate()
