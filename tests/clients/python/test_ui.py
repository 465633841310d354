"""The web UI in a real browser, on data that a client sent: from a log to its trace and back."""

import pathlib
import time

import pytest

import story
from harness import otlp

BUILT_UI = pathlib.Path(__file__).parents[3] / "ui" / "dist" / "index.html"


def test_from_a_log_to_its_trace(server, api, service, tmp_path):
    story.needs_chromium()
    if not BUILT_UI.exists():
        pytest.skip("the UI is not built")
    now = time.time_ns()
    trace_id, root, child = otlp.trace_id(), otlp.span_id(), otlp.span_id()
    spans = otlp.traces(
        service,
        {
            "trace_id": trace_id,
            "span_id": root,
            "name": "GET /checkout",
            "kind": 2,
            "start_time_unix_nano": now - 300_000_000,
            "end_time_unix_nano": now,
        },
        {
            "trace_id": trace_id,
            "span_id": child,
            "parent_span_id": root,
            "name": "charge card",
            "kind": 3,
            "start_time_unix_nano": now - 200_000_000,
            "end_time_unix_nano": now - 50_000_000,
            "attributes": {"card.kind": "debit"},
        },
    )
    spans.resource_spans[0].scope_spans[0].spans[1].status.code = 2
    log = {
        "time_unix_nano": now - 100_000_000,
        "severity_number": 17,
        "body": "payment refused: card has expired",
        "trace_id": trace_id,
        "span_id": child,
    }
    assert otlp.post(server, "traces", spans.SerializeToString()).status_code == 200
    assert otlp.post(server, "logs", otlp.logs(service, log).SerializeToString()).status_code == 200
    api.logs(f"service:{service}", 1)

    seen = story.run("ui.mjs", server.url("ui"), service, trace_id.hex(), str(tmp_path))
    assert seen["foreign"] == [], "the UI asks nobody but its own server"
    assert seen["errors"] == []
