"""Runs a script of the JavaScript clients, and checks that its story reads back."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from harness import api as expect

JAVASCRIPT = pathlib.Path(__file__).parents[1] / "javascript"
ATTRIBUTES = json.loads((JAVASCRIPT / "attributes.json").read_text())


def run(script, *arguments):
    """The facts that the script prints. Skips where there is no Node."""
    if not shutil.which("node"):
        pytest.skip("no Node")
    assert (JAVASCRIPT / "node_modules").exists(), f"run `npm ci` in {JAVASCRIPT.name}"
    done = subprocess.run(
        ["node", JAVASCRIPT / script, *arguments], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def needs_chromium():
    if not os.environ.get("BELLROCK_CHROMIUM"):
        pytest.skip("no Chromium")


def check(api, service, sent):
    check_spans(api, service, sent["spans"])
    check_logs(api, service, sent)
    check_metrics(api, service)


def check_spans(api, service, sent):
    found = api.trace(sent[0]["trace_id"], 2)
    for span in sent:
        kept = found[span["span_id"]]
        assert {key: kept[key] for key in span if key != "events"} == {key: span[key] for key in span if key != "events"}
        assert [[event["name"], event["time_unix_nano"]] for event in kept["events"]] == span["events"]
        assert kept["service"] == service
        assert kept["scope"]["name"] == "shop.web" and kept["scope"]["version"] == "7.8"
        resource = {pair["key"]: pair["value"] for pair in kept["resource"]["attributes"]}
        assert resource["service.name"] == {"stringValue": service}
        assert resource["service.version"] == {"stringValue": "1.2.3"}
    spans = {span["name"]: span for span in found.values()}
    root, child = spans["GET /cart"], spans["SELECT cart"]
    expect.has_attributes(root["attributes"], ATTRIBUTES)
    assert (root["kind"], root["status"]) == ("SERVER", {"code": "OK", "message": ""})
    assert (child["kind"], child["status"]) == ("CLIENT", {"code": "ERROR", "message": "cart is gone"})
    assert child["parent_span_id"] == root["span_id"]
    miss, exception = child["events"]
    expect.has_attributes(miss["attributes"], {"key": "cart:7", "tries": 3})
    told = {pair["key"]: pair["value"] for pair in exception["attributes"]}
    assert told["exception.message"] == {"stringValue": "no such cart: 7"}
    (link,) = child["links"]
    assert (link["trace_id"], link["span_id"]) == ("0102030405060708090a0b0c0d0e0f10", "1112131415161718")
    expect.has_attributes(link["attributes"], {"why": "retry of", "attempt": 2})


def check_logs(api, service, sent):
    found = api.logs(f"service:{service}", 2, order="asc")
    facts = sorted(sent["logs"], key=lambda log: int(log["time_unix_nano"]))
    assert sorted(({key: log[key] for key in facts[0]} for log in found), key=str) == sorted(facts, key=str)
    bodies = {log["body"].get("stringValue", "map"): log for log in found}
    text, tree = bodies["could not load cart 7: grüße ✓"], bodies["map"]
    for log in found:
        expect.has_attributes(log["attributes"], ATTRIBUTES)
        assert (log["severity_number"], log["severity_text"], log["level"]) == (17, "error", "ERROR")
    assert text["event_name"] == "cart.failed"
    assert text["trace_id"] == sent["spans"][0]["trace_id"]
    body = {"user": {"id": 7, "tags": ["x", "y"]}, "bytes": b"\x00\xff\x10", "ok": False}
    assert expect.normal(tree["body"]) == expect.normal(expect.any_value(body))


def check_metrics(api, service):
    labels, value = api.one(f'clicks_total{{service="{service}"}}')
    assert (value, labels["button"]) == (5, "buy")
    assert api.one(f'tabs_open{{service="{service}"}}')[1] == -4
    buckets = api.query(f'page_duration_seconds_bucket{{service="{service}"}}')
    assert {float(labels["le"]): value for labels, value in buckets} == {0.1: 1, 1.0: 3, float("inf"): 4}
