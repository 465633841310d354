"""Rules: imported as the design does it, evaluated, kept over a crash, read again from files, sent to a real Alertmanager."""

import json
import pathlib
import shutil
import signal
import subprocess
import time

import pytest
import requests

from harness import alertmanager, otlp, poll
from harness.server import Server, binary

DESIGN = pathlib.Path(__file__).parents[3] / "crates/alerting/tests/data/alert-rules.yaml"

QUICK = """
groups:
  - name: quick
    interval: 1s
    rules:
      - record: connections:double
        expr: db_connections_active * 2
      - alert: TooMany
        expr: connections:double > 160
        for: 1s
        labels: {severity: warning}
        annotations: {summary: "{{ $value }} on {{ $labels.service }}"}
"""


def import_rules(server, file, *more):
    """The line of the design."""
    url = server.url("api", "/api/v1/rules")
    line = ["curl", "-s", "-X", "POST", url, "-H", "Content-Type: application/yaml", "--data-binary", f"@{file}", *more]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


def feed(server, value=95):
    answer = requests.post(
        server.url("api", "/api/v1/import/prometheus"), data=f'db_connections_active{{service="api"}} {value}\n', timeout=10
    )
    assert answer.status_code in (200, 204), answer.text


def alerts(server):
    answer = requests.get(server.url("api", "/api/v1/alerts"), timeout=10).json()
    assert answer["status"] == "success"
    return {alert["labels"]["alertname"]: alert for alert in answer["data"]["alerts"]}


def fires(server, name):
    def check():
        feed(server)
        alert = alerts(server).get(name)
        return alert if alert and alert["state"] == "firing" else None

    return poll.until(f"{name} fires", check, deadline_s=30, every_s=0.3)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_file_of_the_design_is_taken_and_survives_a_crash(tmp_path):
    quick = tmp_path / "quick.yaml"
    quick.write_text(QUICK)
    server = Server(tmp_path / "server").start()
    try:
        taken = json.loads(import_rules(server, DESIGN))
        assert taken["rules"] == 10 and not taken["prometheus_accepts"]
        assert [(f["line"], f["severity"]) for f in taken["findings"]] == [(59, "warning"), (83, "warning")]
        assert all("humanizeBytes" in f["reason"] and "humanize1024" in f["fix"] for f in taken["findings"])
        import_rules(server, quick)
        alert = fires(server, "TooMany")
        assert alert["annotations"] == {"summary": "190 on api"}
        assert alert["labels"] == {"alertname": "TooMany", "service": "api", "severity": "warning"}
        server.kill()
        server.start()
        rules = requests.get(server.url("api", "/api/v1/rules"), timeout=10).json()["data"]["groups"]
        assert {group["name"]: len(group["rules"]) for group in rules} == {"meetsmatch.rules": 10, "quick": 2}
        assert {group["file"] for group in rules} == {"api"}
        assert fires(server, "TooMany")["annotations"] == alert["annotations"]
        series = requests.get(server.url("api", "/api/v1/query"), params={"query": "connections:double"}, timeout=10).json()
        assert series["data"]["result"][0]["value"][1] == "190"
    finally:
        server.terminate()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_an_export_is_a_file_that_promtool_takes(own_server, tmp_path):
    import_rules(own_server, DESIGN)
    exported = tmp_path / "exported.yaml"
    exported.write_text(requests.get(own_server.url("api", "/api/v1/rules/export"), timeout=10).text)
    checked = subprocess.run(["promtool", "check", "rules", str(exported)], capture_output=True, text=True)
    assert checked.returncode == 0 and "10 rules found" in checked.stdout, checked.stdout + checked.stderr


def test_a_file_with_errors_is_refused_as_a_whole(own_server):
    bad = "groups:\n  - name: a\n    rules:\n      - alrt: A\n        expr: up\n      - alert: B\n        expr: 'sum('\n"
    nothing = requests.post(own_server.url("api", "/api/v1/rules"), data="\n", timeout=10)
    assert nothing.status_code == 400 and "is the file there?" in nothing.json()["error"]["message"], nothing.text
    answer = requests.post(own_server.url("api", "/api/v1/rules"), data=bad, timeout=10)
    assert answer.status_code == 400
    findings = answer.json()["error"]["findings"]
    assert [(f["line"], f["severity"]) for f in findings] == [(4, "error"), (4, "error"), (7, "error")]
    assert any(f["fix"] == "did you mean `alert`?" for f in findings)
    assert requests.get(own_server.url("api", "/api/v1/rules"), timeout=10).json()["data"]["groups"] == []


def test_rule_files_are_read_again_and_told_apart_from_what_the_api_made(tmp_path):
    folder = tmp_path / "rules"
    folder.mkdir()
    rules = folder / "a.rules.yaml"
    rules.write_text("groups: [{name: a, rules: [{record: one, expr: vector(1)}]}]")
    config = tmp_path / "bellrock.yaml"
    config.write_text("rule_files: ['rules/*.rules.yaml']\n")
    server = Server(tmp_path / "server").start(f"--config={config}")
    try:

        def names():
            groups = requests.get(server.url("api", "/api/v1/rules"), timeout=10).json()["data"]["groups"]
            return [(group["name"], group["file"], group["rules"][0]["name"]) for group in groups]

        requests.post(server.url("api", "/api/v1/rules"), data=QUICK, timeout=10).raise_for_status()
        made = ("quick", "api", "connections:double")
        assert names() == [("a", str(rules), "one"), made]
        one = requests.get(server.url("api", "/api/v1/rules/quick"), timeout=10).json()
        assert (one["file"], one["interval_seconds"]) == ("api", 1.0) and "record: connections:double" in one["yaml"]
        assert requests.post(server.url("api", "/api/v1/rules"), data=one["yaml"], timeout=10).status_code == 200
        assert requests.get(server.url("api", "/api/v1/rules/none"), timeout=10).status_code == 404
        rules.write_text("groups: [{name: a, rules: [{record: two, expr: vector(2)}]}]")
        assert requests.post(server.url("api", "/-/reload"), timeout=30).status_code == 200
        assert names() == [("a", str(rules), "two"), made]
        rules.write_text("groups: [{name: a, rules: [{record: three, expr: 'vector('}]}]")
        refused = requests.post(server.url("api", "/-/reload"), timeout=30)
        assert refused.status_code == 500 and "a.rules.yaml:1:" in refused.text
        assert names() == [("a", str(rules), "two"), made]
        rules.write_text("groups: [{name: a, rules: [{record: four, expr: vector(4)}]}]")
        server.process.send_signal(signal.SIGHUP)
        poll.until("the file is read again", lambda: names() == [("a", str(rules), "four"), made])
        assert requests.delete(server.url("api", "/api/v1/rules/a"), timeout=10).status_code == 409
        assert requests.delete(server.url("api", "/api/v1/rules/quick"), timeout=10).status_code == 204
        assert names() == [("a", str(rules), "four")]
    finally:
        server.terminate()


def test_a_rule_is_tried_on_the_past(own_server):
    feed(own_server)
    trial = "groups: [{name: t, rules: [{alert: Busy, expr: db_connections_active > 80}]}]"

    def tried():
        answer = requests.post(
            own_server.url("api", "/api/v1/rules/test"), params={"from": "now-5m", "step": "1s"}, data=trial, timeout=30
        ).json()
        return answer["rules"][0] if answer["rules"][0]["firings"] == 1 else None

    rule = poll.until("the past shows the alert", tried)
    assert rule["alerts"][0]["labels"] == {"alertname": "Busy", "service": "api"}
    assert requests.get(own_server.url("api", "/api/v1/rules"), timeout=10).json()["data"]["groups"] == []


@pytest.mark.skipif(alertmanager.program() is None, reason=alertmanager.MISSING)
def test_alerts_reach_a_real_alertmanager(tmp_path):
    with alertmanager.Alertmanager(tmp_path / "am") as am:
        config = tmp_path / "bellrock.yaml"
        config.write_text(
            "global: {external_labels: {cluster: c1}}\n"
            f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['127.0.0.1:{am.port}']}}]}}]}}\n"
        )
        server = Server(tmp_path / "server").start(f"--config={config}")
        try:
            requests.post(server.url("api", "/api/v1/rules"), data=QUICK, timeout=10).raise_for_status()

            def there(count):
                feed(server, 95 if count else 1)
                found = am.alerts()
                return found if len(found) == count else None

            [alert] = poll.until("the alert is there", lambda: there(1), deadline_s=30, every_s=0.3)
            assert alert["labels"] == {"alertname": "TooMany", "cluster": "c1", "service": "api", "severity": "warning"}
            assert alert["annotations"] == {"summary": "190 on api"}
            assert "/graph?g0.expr=connections%3Adouble+%3E+160" in alert["generatorURL"]
            active = requests.get(server.url("api", "/api/v1/alertmanagers"), timeout=10).json()["data"]
            assert active["activeAlertmanagers"] == [{"url": f"{am.url}/api/v2/alerts"}]
            # Alertmanager lists what fires only.
            poll.until("the alert is resolved", lambda: there(0) == [], deadline_s=30, every_s=0.3)
            metrics = requests.get(server.url("metrics", "/metrics"), timeout=10).text
            assert 'prometheus_notifications_errors_total{alertmanager="' + am.url in metrics
        finally:
            server.terminate()


def test_rules_over_logs(own_server):
    rules = """
groups:
  - name: logs
    interval: 1s
    rules:
      - alert: ErrorsInLogs
        source: logs
        window: 5m
        expr: level>=error | stats count() by service | where count > 2
        annotations: {summary: "{{ $value }} errors of {{ $labels.service }}"}
"""
    answer = requests.post(own_server.url("api", "/api/v1/rules"), data=rules, timeout=10)
    assert answer.status_code == 200, answer.text
    wrong = rules.replace("| stats count() by service | where count > 2", "")
    refused = requests.post(own_server.url("api", "/api/v1/rules"), data=wrong, timeout=10)
    assert refused.status_code == 400 and "stats" in refused.text
    now = time.time_ns()
    records = [
        {"timeUnixNano": str(now + n), "severityNumber": 17, "body": {"stringValue": f"failed {n}"}} for n in range(5)
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    body = {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]}
    requests.post(own_server.url("otlp_http", "/v1/logs"), json=body, timeout=10).raise_for_status()
    alert = poll.until("the alert fires", lambda: alerts(own_server).get("ErrorsInLogs"), deadline_s=30)
    assert alert["labels"] == {"alertname": "ErrorsInLogs", "service": "shop"}
    assert alert["annotations"] == {"summary": "5 errors of shop"}


def test_rules_over_traces_fire_and_resolve(own_server):
    """Slow requests per route, from spans alone: it fires, the alert manager has it, and it ends when the window has passed."""
    rules = """
groups:
  - name: traces
    interval: 1s
    rules:
      - alert: SlowRoute
        source: traces
        window: 6s
        expr: service:shop kind:server duration>=300ms | stats count() by http.route | where count >= 3
        labels: {severity: page}
        annotations: {summary: "{{ $value }} slow requests of {{ $labels.http_route }}"}
      - alert: FailingService
        source: traces
        window: 1h
        expr: status:error | stats count() by service | where count > 100
"""
    answer = requests.post(own_server.url("api", "/api/v1/rules"), data=rules, timeout=10)
    assert answer.status_code == 200, answer.text
    assert not answer.json()["prometheus_accepts"]
    refused = requests.post(own_server.url("api", "/api/v1/rules"), data=rules.replace("duration>=300ms", "duration>=soon"), timeout=10)
    assert refused.status_code == 400 and "soon" in refused.text

    def spans(route, took_ms, count):
        end = time.time_ns()
        made = [
            dict(
                trace_id=otlp.trace_id(), span_id=otlp.span_id(), name=f"GET {route}", kind=2,
                start_time_unix_nano=end - took_ms * 1_000_000 - n, end_time_unix_nano=end - n,
                attributes={"http.route": route}, 
            )
            for n in range(count)
        ]  # fmt: skip
        answer = otlp.post(own_server, "traces", otlp.traces("shop", *made).SerializeToString())
        assert answer.status_code == 200, answer.text

    spans("/slow", 400, 3)
    spans("/quick", 20, 50)
    spans("/rarely/slow", 900, 2)
    alert = poll.until("the alert fires", lambda: alerts(own_server).get("SlowRoute"), deadline_s=30)
    assert alert["labels"] == {"alertname": "SlowRoute", "http_route": "/slow", "severity": "page"}
    assert alert["annotations"] == {"summary": "3 slow requests of /slow"}
    assert set(alerts(own_server)) == {"SlowRoute"}, "and nothing else"
    am = own_server.url("alertmanager")
    held = poll.until("the alert manager has it", lambda: requests.get(am + "/api/v2/alerts", timeout=10).json(), deadline_s=10)
    assert held[0]["labels"] == alert["labels"] and "/traces?q=" in held[0]["generatorURL"]
    poll.until("the alert ends", lambda: alerts(own_server) == {}, deadline_s=30)
    why = lambda: requests.get(  # noqa: E731
        own_server.url("api", f"/api/v1/alerts/{held[0]['fingerprint']}/why"), timeout=10
    ).json()
    poll.until("the alert manager knows that it ended", lambda: "resolved" in {e["kind"] for e in why()["timeline"]})
    kinds = [e["kind"] for e in why()["timeline"]]
    assert [k for k in kinds if k in ("firing", "received", "inactive", "resolved")] == ["firing", "received", "inactive", "resolved"]


def test_check_looks_into_every_file_that_a_configuration_names(tmp_path):
    """Rules, objectives and the alert manager's file: one report, each line with its file, place and remedy."""
    def check(*more):
        done = subprocess.run([binary(), "check", *more, str(config)], capture_output=True, text=True, cwd=tmp_path, timeout=30)
        return done.returncode, done.stdout + done.stderr

    config, rules, slos, am = (tmp_path / name for name in ("bellrock.yaml", "a.rules.yaml", "slos.yaml", "alertmanager.yml"))
    config.write_text("rule_files: ['*.rules.yaml', none/*.yaml]\nslo_files: [slos.yaml]\nalerting_file: alertmanager.yml\n")
    rules.write_text("groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up == 0\n    fro: 5m\n  - alert: B\n    expr: 'sum('\n")
    slos.write_text("slos:\n  a: {objective: 99.9, window: 30d, indicator: {up: x}}\n")
    am.write_text("route: {receiver: taem}\nreceivers: [{name: team, slack_configs: [{api_url: YOUR_SLACK_WEBHOOK_URL}]}]\n")
    status, text = check()
    assert status == 1, text
    for expected in (
        f"{rules}:6:5: error: ",
        "did you mean `for`?",
        f"{rules}:8:",
        f"{slos}:2:",
        "99.9%",
        f"{am}:1:",
        "did you mean `team`?",
        f"{am}:2:",
        "api_url is not filled in yet; this channel is disabled",
        "rule_files: no file fits",
    ):
        assert expected in text, f"{expected}\n{text}"
    rules.write_text("groups: [{name: a, rules: [{alert: A, expr: up == 0}]}]\n")
    slos.write_text("slos:\n  a: {objective: 99.9%, window: 30d, indicator: {up: x}}\n")
    am.write_text("route: {receiver: team}\nreceivers: [{name: team}]\n")
    status, text = check()
    assert status == 0, text
    assert "rule_files: 1 file with 1 rule\n" in text and "objectives: 1, from 1 file\n" in text
    assert "alerting_file: 1 route, 1 receiver with 0 channels, 0 of them disabled\n" in text
    assert check("--strict")[0] == 1, "a pattern that no file fits is a warning"
    am.unlink()
    status, text = check()
    assert status == 1 and "alertmanager.yml" in text, text


RULE_FILES = {
    "plain": "groups: [{name: a, rules: [{record: r, expr: up}, {alert: A, expr: up == 0, for: 5m}]}]",
    "unknown field": "groups: [{name: a, rules: [{alert: A, expr: up, fro: 5m}]}]",
    "no expression": "groups: [{name: a, rules: [{alert: A}]}]",
    "both kinds": "groups: [{name: a, rules: [{alert: A, record: r, expr: up}]}]",
    "wrong expression": "groups: [{name: a, rules: [{alert: A, expr: 'sum('}]}]",
    "wrong duration": "groups: [{name: a, rules: [{alert: A, expr: up, for: soon}]}]",
    "for of a recording rule": "groups: [{name: a, rules: [{record: r, expr: up, for: 5m}]}]",
    "annotations of a recording rule": "groups: [{name: a, rules: [{record: r, expr: up, annotations: {a: b}}]}]",
    "group twice": "groups: [{name: a, rules: []}, {name: a, rules: []}]",
    "group without a name": "groups: [{rules: [{record: r, expr: up}]}]",
    "unknown function": "groups: [{name: a, rules: [{alert: A, expr: up, annotations: {a: '{{ $value | humanise }}'}}]}]",
    "unknown variable": "groups: [{name: a, rules: [{alert: A, expr: up, annotations: {a: '{{ $nobody }}'}}]}]",
    "template that does not end": "groups: [{name: a, rules: [{alert: A, expr: up, annotations: {a: '{{ $value'}}]}]",
    "all functions": "groups: [{name: a, rules: [{alert: A, expr: up, annotations: {a: '{{ query \"up\" | first | value | humanize1024 }}"
    " {{ $labels.a | toUpper | title | reReplaceAll \"a\" \"b\" }} {{ $value | toTime }} {{ pathPrefix }} {{ parseDuration \"1h\" }}'}}]}]",
    "reserved label": "groups: [{name: a, rules: [{alert: A, expr: up, labels: {__name__: x}}]}]",
    "humanizeBytes": "groups: [{name: a, rules: [{alert: A, expr: up, annotations: {a: '{{ $value | humanizeBytes }}'}}]}]",
    "levels": "groups: [{name: a, rules: [{alert: A, expr: up, levels: [{severity: x, above: 1}]}]}]",
    "logs": "groups: [{name: a, rules: [{alert: A, source: logs, expr: '| stats count()'}]}]",
    "empty": "",
    "no groups": "groups: []",
    "not YAML": "groups: [",
    "key twice": "groups: []\ngroups: []\n",
}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_a_check_says_what_promtool_says(tmp_path):
    """Whether Prometheus takes a file is said as promtool says it."""
    wrong = {}
    for name, text in RULE_FILES.items():
        file = tmp_path / "rules.yaml"
        file.write_text(text)
        theirs = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True)
        ours = subprocess.run([binary(), "rules", "check", str(file)], capture_output=True, text=True)
        if ("Prometheus accepts" in ours.stdout) != (theirs.returncode == 0):
            wrong[name] = (ours.stdout, theirs.stdout + theirs.stderr)
    assert wrong == {}
