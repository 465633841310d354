"""Configurations that the page sends: of a collector, looked at; of the alert manager, changed by a form that never sees a secret;
rules, with what shows in their text."""

import requests

COLLECTOR = """\
receivers:
  otlp:
    protocols: {grpc: {}, http: {}}
processors:
  batch: {send_batch_sise: 100}
exporters:
  otlp: {endpoint: "backend:4317"}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [batch], exporters: [otlp]}
"""

ALERTMANAGER = """\
route: {receiver: chat}
receivers:
- name: chat
  webhook_configs: [{url: "http://127.0.0.1:9/hook-token"}]
- name: mail
  email_configs: [{to: a@example.org, from: b@example.org, smarthost: "127.0.0.1:25", auth_username: u, auth_password: pass-word}]
"""


def test_a_collectors_file_is_looked_at(own_server):
    url = own_server.url("ui", "/api/v1/config/check")
    found = requests.post(url, data=COLLECTOR, timeout=10).json()
    [finding] = found["findings"]
    assert (finding["severity"], finding["line"], finding["path"]) == ("warning", 5, "processors.batch.send_batch_sise")
    assert "the Collector refuses it" in finding["reason"] and "send_batch_size" in finding["fix"]
    wrong = COLLECTOR.replace("exporters: [otlp]", "exporters: [otpl]")
    found = requests.post(url, data=wrong, timeout=10).json()
    assert found["usable"] is False and found["pipelines"] == []
    assert ("error", 10) in [(f["severity"], f["line"]) for f in found["findings"]]
    found = requests.post(url, data=COLLECTOR.replace("sise", "size"), timeout=10).json()
    assert found["usable"] and found["pipelines"] == ["traces"], found
    # Nothing of this machine is read for somebody who sends a text.
    secret = "server: {api: '${file:/etc/hostname}'}\n"
    answer = requests.post(url, data=secret, timeout=10)
    assert "files are not read" in answer.text, answer.text


def test_receivers_are_changed_without_their_secrets(own_server):
    url = own_server.url("ui", "/api/v1/alertmanager/config")
    assert requests.post(url, data=ALERTMANAGER, timeout=10).status_code == 200
    shown = requests.get(url, timeout=10)
    assert "hook-token" not in shown.text and "pass-word" not in shown.text
    document = shown.json()["document"]
    assert document["receivers"][0]["webhook_configs"][0]["url"] == "<secret>"
    # The form changes the receiver of the mail, and gives the first a new name.
    document["receivers"][1]["email_configs"][0]["to"] = "c@example.org"
    document["receivers"][0]["name"] = document["route"]["receiver"] = "talk"
    answer = requests.post(url, json=document, timeout=10)
    assert answer.status_code == 200, answer.text
    changed = requests.get(url, timeout=10).json()["document"]
    assert changed == document
    # The secret is still there: the channel tries the address that was written.
    tested = requests.post(own_server.url("ui", "/api/v1/channels/talk/test"), timeout=30).text
    assert "127.0.0.1:9" in tested, tested
    document["receivers"].append({"name": "new", "webhook_configs": [{"url": "<secret>"}]})
    answer = requests.post(url, json=document, timeout=10)
    assert answer.status_code == 400
    [finding] = answer.json()["findings"]
    assert (finding["path"], finding["message"]) == (
        "receivers[2].webhook_configs[0].url",
        "no secret is stored here",
    )
    assert requests.get(url, timeout=10).json()["document"] == changed, "a refusal changes nothing"


def test_rules_are_told_what_shows_in_their_text(own_server):
    rules = """\
groups:
- name: g
  interval: 1m
  rules:
  - {alert: Total, expr: sum by (job) (errors_total) > 5, for: 30s, annotations: {a: "{{ $labels.pod }}"}}
  - {alert: Always, expr: up}
"""
    found = requests.post(own_server.url("ui", "/api/v1/rules/test"), data=rules, timeout=30).json()
    told = {(f["path"].split(").")[-1], f["severity"]): f["reason"] for f in found["findings"]}
    assert "is a counter" in told["expr", "warning"]
    assert "shorter than the interval" in told["for", "info"]
    assert "has no condition" in told["expr", "info"]
    assert "`pod` is empty" in told["annotations.a", "warning"], told
