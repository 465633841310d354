"""Objectives: the budgets of the design as they are, confirmed from proposals, counted, kept over a crash, alerted on."""

import time

import requests

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from harness import otlp, poll
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


FORMS = """
slos:
  spans_by_route:
    objective: 95%
    window: 1d
    group_by: [http.route]
    indicator: {events: {signal: traces, total: 'service:forms kind:server', bad: 'status:error'}}
  records:
    objective: 90%
    window: day
    time_zone: Pacific/Kiritimati
    indicator: {events: {signal: logs, total: 'service:forms', good: 'level<error'}}
  slices_of_records:
    objective: 50%
    window: 1d
    indicator: {events: {signal: logs, total: 'service:forms', good: 'level<error'}}
    slices: {length: 5m, target: 90%, empty: excluded}
  native_latency:
    objective: 95%
    window: 1d
    group_by: [zone]
    indicator: {latency: {histogram: work_duration_seconds, threshold: 500ms}}
"""

SECOND_NS = 1_000_000_000


def send_spans(server, begin_s, minutes):
    """Ten spans a minute and route: of /a one in ten fails, of /b one in five."""
    counts = {}
    for route, one_in in (("/a", 10), ("/b", 5)):
        spans = []
        for n in range(minutes * 10):
            at = (begin_s + n * 6) * SECOND_NS
            spans.append(
                dict(
                    trace_id=otlp.trace_id(), span_id=otlp.span_id(), name="work", kind=2, start_time_unix_nano=at,
                    end_time_unix_nano=at + 1_000_000, attributes={"http.route": route},
                )
            )  # fmt: skip
        request = otlp.traces("forms", *spans)
        made = request.resource_spans[0].scope_spans[0].spans
        bad = 0
        for n, span in enumerate(made):
            if n % one_in == 0:
                span.status.code = 2
                bad += 1
        assert otlp.post(server, "traces", request.SerializeToString()).status_code == 200
        counts[route] = (bad, len(spans))
    return counts


def send_records(server, begin_s, minutes):
    """Six records a minute; in every second stretch of five minutes half of them are errors. Returns bad flags with their times."""
    records = []
    for n in range(minutes * 6):
        at = begin_s + n * 10
        records.append((at, at // 300 % 2 == 0 and n % 2 == 0))
    made = [
        dict(body="x", time_unix_nano=at * SECOND_NS, severity_number=17 if bad else 9, severity_text="ERROR" if bad else "INFO")
        for at, bad in records
    ]
    assert otlp.post(server, "logs", otlp.logs("forms", *made).SerializeToString()).status_code == 200
    return records


def send_histograms(server, begin_s, minutes):
    """Exponential histograms every half a minute: 0.3 s is good, 1.5 s is not."""
    counts = {}
    for zone, slow_each in (("a", 1), ("b", 3)):
        request = ExportMetricsServiceRequest()
        resource = request.resource_metrics.add()
        otlp.add_attributes(resource.resource.attributes, {"service.name": "forms"})
        metric = resource.scope_metrics.add().metrics.add()
        metric.name, metric.unit = "work.duration", "s"
        metric.exponential_histogram.aggregation_temporality = 2
        for step in range(minutes * 2 + 1):
            fast, slow = step * 7, step * slow_each
            point = metric.exponential_histogram.data_points.add()
            otlp.add_attributes(point.attributes, {"zone": zone})
            point.start_time_unix_nano = begin_s * SECOND_NS
            point.time_unix_nano = (begin_s + step * 30) * SECOND_NS
            point.count, point.sum, point.scale = fast + slow, fast * 0.3 + slow * 1.5, 0
            # Bucket -2 is (0.25, 0.5], bucket 0 is (1, 2].
            point.positive.offset = -2
            point.positive.bucket_counts.extend([fast, 0, slow])
        assert otlp.post(server, "metrics", request.SerializeToString()).status_code == 200
        counts[zone] = (slow_each * minutes * 2, (7 + slow_each) * minutes * 2)
    return counts


def test_every_form_counts_what_was_sent(tmp_path):
    """Filters over spans and logs, groups, slices of time, the calendar, native histograms: through OTLP, against the events themselves."""
    minutes = 20
    begin_s = int(time.time()) // 60 * 60 - (minutes + 1) * 60
    server = Server(tmp_path / "server").start()
    try:
        spans, records, histograms = (send(server, begin_s, minutes) for send in (send_spans, send_records, send_histograms))
        answer = requests.post(server.url("api", "/api/v1/slos"), data=FORMS, timeout=10)
        assert answer.status_code == 200, answer.text

        def groups(name, label):
            found = slo(server, name)
            assert found.get("error") is None, found
            return {g["labels"].get(label): (g["bad"], g["total"]) for g in found["groups"]}

        def counts(name, label, expected):
            def check():
                found = groups(name, label)
                assert found == expected, (name, found, expected)
                return True

            poll.until(f"{name} is counted", check, deadline_s=40)

        counts("spans_by_route", "http.route", spans)
        counts("native_latency", "zone", histograms)
        # That day begins at ten in the morning of UTC.
        day = (int(time.time()) + 14 * 3600) // 86400 * 86400 - 14 * 3600
        of_day = [bad for at, bad in records if at >= day]
        counts("records", None, {None: (sum(of_day), len(of_day))})
        slices = {}
        for at, bad in records:
            slices.setdefault(at // 300, []).append(bad)
        now = int(time.time()) // 60 * 60
        whole = [flags for slot, flags in slices.items() if (slot + 1) * 300 <= now]
        missed = sum(1 - sum(flags) / len(flags) < 0.9 for flags in whole)
        assert 0 < missed < len(whole)
        counts("slices_of_records", None, {None: (missed, len(whole))})
        before = [groups("spans_by_route", "http.route"), groups("native_latency", "zone")]
        server.kill()
        server.start()
        again = lambda: [groups("spans_by_route", "http.route"), groups("native_latency", "zone")]  # noqa: E731
        poll.until("the same after a crash", lambda: again() == before, deadline_s=40)
    finally:
        server.terminate()
