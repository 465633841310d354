"""The Prometheus API beside a real Prometheus over the same series: every endpoint, every kind of query, promtool."""

import concurrent.futures
import json
import os
import random
import time

import pytest
import requests

from harness import compare, poll, prometheus, promql, remote_read, remote_write, shop
from harness.api import Api
from harness.prometheus import Prometheus, promtool
from harness.server import Server

pytestmark = pytest.mark.skipif(not prometheus.installed(), reason=prometheus.MISSING)


class Pair:
    """Both servers with the shop's series."""

    def __init__(self, ours, theirs):
        self.ours, self.theirs = ours, theirs
        self.end = int(time.time()) - 30
        self.start = self.end - 30 * 60
        self.series = shop.series(self.end * 1000)

    def load(self):
        remote_write.send(self.theirs.url, self.series)
        remote_write.send(self.ours.url("api"), self.series)

    def ask(self, path, params, method="GET"):
        return self.of(self.ours.url("api"), path, params, method), self.of(self.theirs.url, path, params, method)

    @staticmethod
    def of(url, path, params, method="GET"):
        sent = {"params" if method == "GET" else "data": params}
        return requests.request(method, url + path, timeout=30, **sent)

    def check_query(self, path, params):
        """What differs, or None."""
        ours, theirs = self.ask(path, params)
        if theirs.status_code == 422 and "same labelset" in theirs.text and ours.status_code == 200:
            # Prometheus 2 takes names off at once, and then takes series for the same that are not.
            return None
        if ours.status_code != theirs.status_code:
            return f"{ours.status_code} instead of {theirs.status_code}: {ours.text[:300]} / {theirs.text[:300]}"
        ours, theirs = ours.json(), theirs.json()
        if theirs["status"] == "error":
            return None if ours["errorType"] == theirs["errorType"] else f"{ours} instead of {theirs}"
        return compare.difference(ours["data"], theirs["data"])

    def check_all(self, queries):
        """Each query at one instant and over a range; what differs, by query."""

        def check(query):
            # Not on whole seconds, so that no step of a subquery lies on the edge of a window.
            instant = self.check_query("/api/v1/query", {"query": query, "time": self.end - 61.5})
            over = {"query": query, "start": self.start + 0.123, "end": self.end, "step": 97}
            return instant or self.check_query("/api/v1/query_range", over)

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            results = zip(queries, pool.map(check, queries))
            return [f"{query}\n    {found}" for query, found in results if found]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("ours")) as ours, Prometheus(tmp_path_factory.mktemp("theirs")) as theirs:
        both = Pair(ours, theirs)
        both.load()
        yield both
        assert "panicked at" not in ours.log(), ours.log()[-4000:]


def test_every_template_of_a_query_has_the_value_of_prometheus(pair):
    queries = list(promql.templates(pair.end - 600))
    assert len(queries) > 380
    differences = pair.check_all(queries)
    assert not differences, f"{len(differences)} of {len(queries)} differ:\n" + "\n".join(differences[:20])


def test_random_queries_have_the_value_of_prometheus(pair):
    seed = int(os.environ.get("BELLROCK_SEED", random.randrange(2**32)))
    generator = promql.Generator(seed)
    queries = [generator.query() for _ in range(300)]
    differences = pair.check_all(queries)
    assert not differences, f"BELLROCK_SEED={seed}, {len(differences)} of {len(queries)} differ:\n" + "\n".join(differences[:20])


def test_queries_are_laid_out_as_prometheus_does(pair):
    generator = promql.Generator(pair.end)
    queries = list(promql.templates(pair.end)) + [f"sum by (job) ({generator.query()}) / ({generator.query()})" for _ in range(100)]
    # Prometheus forgets to indent subqueries.
    lines = lambda answer: [line.strip() for line in answer.json().get("data", "").splitlines()]
    differences = []
    for query in queries:
        ours, theirs = pair.ask("/api/v1/format_query", {"query": query}, "POST")
        if ours.status_code != theirs.status_code or lines(ours) != lines(theirs):
            differences.append(f"{query}\n    {ours.text}\n    {theirs.text}")
    assert not differences, f"{len(differences)} differ:\n" + "\n".join(differences[:20])


# What is asked for, and whether the order of the answer counts.
LISTS = (
    ("/api/v1/labels", {}),
    ("/api/v1/labels", {"match[]": "shop_requests_total"}),
    ("/api/v1/labels", {"match[]": ["up", 'shop_constant{text=~"(?s)quoted.*"}']}),
    # The server has series of its own, without a job.
    ("/api/v1/label/__name__/values", {"match[]": '{job!=""}'}),
    ("/api/v1/label/path/values", {"match[]": '{status="500",method!="GET"}'}),
    ("/api/v1/label/text/values", {}),
    ("/api/v1/label/none/values", {}),
    ("/api/v1/label/job/values", {"start": "2020-01-01T00:00:00Z", "end": "2020-01-02T00:00:00+01:00"}),
    ("/api/v1/series", {"match[]": "shop_requests_total"}),
    ("/api/v1/series", {"match[]": ['{job="odd"}', "up", 'up{job="shop"}']}),
    ("/api/v1/series", {"match[]": "up", "start": "1", "end": "2.5"}),
    ("/api/v1/query_exemplars", {"query": "shop_requests_total"}),
)


@pytest.mark.parametrize("path, params", LISTS, ids=str)
def test_lists_are_those_of_prometheus(pair, path, params):
    ours, theirs = pair.ask(path, params)
    assert ours.status_code == theirs.status_code == 200, ours.text
    by_labels = lambda item: json.dumps(item, sort_keys=True)
    assert sorted(ours.json()["data"], key=by_labels) == sorted(theirs.json()["data"], key=by_labels)
    assert "warnings" not in ours.json()
    if not path.endswith("/values"):
        assert pair.ask(path, params, "POST")[0].json() == ours.json()


STATES = (
    "targets",
    "targets/metadata",
    "scrape_pools",
    "rules",
    "alerts",
    "alertmanagers",
    "metadata",
    "status/buildinfo",
    "status/runtimeinfo",
    "status/config",
    "status/walreplay",
)
# Counts of what only Prometheus has: nothing here corresponds to it.
NOT_OURS = {"corruptionCount"}


@pytest.mark.parametrize("name", STATES)
def test_states_have_the_shape_of_prometheus(pair, name):
    ours, theirs = pair.ask(f"/api/v1/{name}", {})
    assert ours.status_code == theirs.status_code == 200, ours.text
    assert ours.headers["Content-Type"] == theirs.headers["Content-Type"] == "application/json"
    ours, theirs = ours.json()["data"], theirs.json()["data"]
    assert type(ours) is type(theirs)
    if isinstance(theirs, dict) and name != "metadata":
        types = lambda data: {key: type(value) for key, value in data.items() if key not in NOT_OURS}
        assert types(theirs).items() <= types(ours).items()


MISTAKES = (
    ("/api/v1/query", {}),
    ("/api/v1/query", {"query": "sum("}),
    ("/api/v1/query", {"query": "up", "time": "yesterday"}),
    ("/api/v1/query", {"query": "up", "timeout": "soon"}),
    ("/api/v1/query", {"query": "up + on(job) shop_requests_total"}),
    ("/api/v1/query_range", {"query": "up", "start": 0, "end": 10}),
    ("/api/v1/query_range", {"query": "up", "start": 10, "end": 0, "step": 1}),
    ("/api/v1/query_range", {"query": "up", "start": 0, "end": 10, "step": 0}),
    ("/api/v1/query_range", {"query": "up", "start": 0, "end": 11001, "step": 1}),
    ("/api/v1/query_range", {"query": "up[5m]", "start": 0, "end": 10, "step": 1}),
    ("/api/v1/query_range", {"query": "up", "start": "2026-13-01T00:00:00Z", "end": 10, "step": 1}),
    ("/api/v1/query_exemplars", {"query": "up", "start": 10, "end": 0}),
    ("/api/v1/series", {}),
    ("/api/v1/series", {"match[]": "{"}),
    ("/api/v1/series", {"match[]": '{a=~".*"}'}),
    ("/api/v1/labels", {"start": "x"}),
    ("/api/v1/metadata", {"limit": "x"}),
    ("/api/v1/rules", {"type": "x"}),
    ("/api/v1/targets/metadata", {"match_target": "{"}),
    ("/api/v1/format_query", {"query": "up{"}),
)


@pytest.mark.parametrize("path, params", MISTAKES, ids=str)
def test_mistakes_are_told_as_prometheus_tells_them(pair, path, params):
    ours, theirs = pair.ask(path, params)
    told = lambda answer: (answer.status_code, answer.json()["status"], answer.json()["errorType"])
    assert told(ours) == told(theirs), ours.text
    assert ours.json()["error"]


def test_the_longest_range_is_taken(pair):
    ours, theirs = pair.ask("/api/v1/query_range", {"query": "vector(1)", "start": 0, "end": 11000, "step": 1})
    assert ours.json() == theirs.json()


def test_numbers_and_times_are_written_alike(pair):
    for query in ("shop_special_values[10m]", "1e30", '"text"', "vector(1e-7)", "vector(123456789.123)", "vector(-0.000012)"):
        for at in (pair.end, pair.end - 0.5, -1.7, "2026-01-02T03:04:05.678Z"):
            ours, theirs = pair.ask("/api/v1/query", {"query": query, "time": at})
            result = lambda answer: answer.text.split('"result":')[1]
            assert result(ours) == result(theirs)


def test_statistics_have_the_shape_of_prometheus(pair):
    params = {"query": "sum(rate(shop_requests_total[5m]))", "time": pair.end, "stats": "all"}
    ours, theirs = (answer.json()["data"]["stats"] for answer in pair.ask("/api/v1/query", params))
    assert ours.keys() == theirs.keys()
    assert ours["timings"].keys() == theirs["timings"].keys()
    assert ours["samples"].keys() >= theirs["samples"].keys()
    assert "stats" not in pair.ask("/api/v1/query", params | {"stats": ""})[0].json()["data"]


COUNTED = (
    "shop_requests_total",
    "shop_requests_total offset 7m",
    "sum by (job) (shop_requests_total)",
    "sum(rate(shop_requests_total[5m]))",
    "shop_requests_total / on(path, status, method, instance, job) group_left() shop_requests_total",
    "max_over_time(shop_queue_depth[10m])",
    "max_over_time(sum(rate(shop_requests_total[2m]))[10m:1m])",
    "timestamp(up)",
    "absent_over_time(up[3m])",
    "up @ end()",
    "rate(shop_requests_total[5m] @ end())",
    "vector(1)",
    "shop_none",
)


@pytest.mark.parametrize("query", COUNTED)
def test_samples_are_counted_as_prometheus_does(pair, query):
    for path, over in (
        ("/api/v1/query", {"time": pair.end - 61.5}),
        ("/api/v1/query_range", {"start": pair.start + 0.123, "end": pair.end, "step": 97}),
    ):
        ours, theirs = (answer.json()["data"]["stats"]["samples"] for answer in pair.ask(path, over | {"query": query, "stats": "all"}))
        assert ours["totalQueryableSamples"] == theirs["totalQueryableSamples"]
        assert ours["totalQueryableSamplesPerStep"] == theirs["totalQueryableSamplesPerStep"]
        assert (ours["peakSamples"] > 0) == (theirs["peakSamples"] > 0) or "vector" in query
        total = pair.ask(path, over | {"query": query, "stats": "1"})[0].json()["data"]["stats"]["samples"]
        assert total == {key: ours[key] for key in ("totalQueryableSamples", "peakSamples")}


def test_pages_of_this_machine_may_read(pair):
    for method in ("GET", "POST", "OPTIONS"):
        headers = {"Origin": "http://localhost:3000"}
        answers = [
            requests.request(method, f"{url}/api/v1/query", params={"query": "1"}, headers=headers, timeout=10)
            for url in (pair.ours.url("api"), pair.theirs.url)
        ]
        kept = lambda answer: {k.lower(): v for k, v in answer.headers.items() if k.lower().startswith("access-control")}
        reflected = kept(answers[1]) | {"access-control-allow-origin": headers["Origin"]}
        assert kept(answers[0]) == reflected
        assert answers[0].status_code == answers[1].status_code
    for headers in ({}, {"Origin": "http://grafana.example"}):
        answer = requests.get(pair.ours.url("api", "/api/v1/query?query=1"), headers=headers, timeout=10)
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_limits_cut_and_say_so(pair):
    api = Api(pair.ours.url("api"))
    note = ["results truncated due to limit"]
    for path, params in (
        ("labels", {}),
        ("label/__name__/values", {}),
        ("series", {"match[]": "shop_requests_total"}),
        ("query", {"query": "shop_requests_total", "time": pair.end}),
        ("query_range", {"query": "shop_requests_total", "start": pair.end - 60, "end": pair.end, "step": 30}),
    ):
        def asked(limit):
            answer = api.json(f"/api/v1/{path}", limit=limit, **params)
            found = answer["data"]["result"] if "query" in path else answer["data"]
            return len(found), answer.get("warnings")

        count, warnings = asked(0)
        assert count > 3 and warnings is None
        assert asked(3) == (3, note)
        assert asked(count) == (count, None)
    assert api.get("/api/v1/labels", limit=-1).status_code == 400


def test_a_query_has_its_own_lookback_and_timeout(pair):
    api = Api(pair.ours.url("api"))
    at = pair.end + 60
    assert len(api.query("up", time=at)) == 3
    assert api.query("up", time=at, lookback_delta="30s") == []
    late = api.get("/api/v1/query", query="sum(shop_requests_total)", time=at, timeout="0.000000001")
    assert (late.status_code, late.json()["errorType"]) == (503, "timeout"), late.text


def test_promtool_prints_the_same_of_both(pair):
    span = [f"--start={pair.start}", f"--end={pair.end}"]
    for arguments in (
        ["instant", "{url}", "sum by (job) (shop_requests_total)", f"--time={pair.end}"],
        ["instant", "-o", "json", "{url}", "shop_constant", f"--time={pair.end}"],
        ["range", *span, "--step=60s", "{url}", "rate(shop_requests_total{path=\"/\"}[5m])"],
        ["series", "--match=shop_queue_depth", '--match={job="odd"}', *span, "{url}"],
        ["labels", *span, "{url}", "job"],
    ):
        printed = [
            promtool("query", *(argument.format(url=url) if argument == "{url}" else argument for argument in arguments))
            for url in (pair.ours.url("api"), pair.theirs.url)
        ]
        (code, out, _), (_, expected, _) = printed
        assert code == 0, printed
        assert sorted(out.splitlines()) == sorted(expected.splitlines())
        assert out.strip()


def test_probes_are_answered(pair):
    for probe in ("healthy", "ready"):
        ours, theirs = pair.ask(f"/-/{probe}", {})
        assert (ours.status_code, theirs.status_code) == (200, 200)


# Reads the shop's series from the server when it is asked, and copies their newest samples under another name.
READER = """
scrape_configs:
  - job_name: federate
    honor_labels: true
    scrape_interval: 1s
    metrics_path: /federate
    params: {{'match[]': ['{{__name__=~"shop_.+|up"}}']}}
    metric_relabel_configs:
      - {{source_labels: [__name__], target_label: __name__, replacement: federated_$1}}
    static_configs:
      - targets: ['{target}']
remote_read:
  - url: http://{target}/api/v1/read
    read_recent: true
"""


def test_a_prometheus_reads_and_scrapes_the_server(pair, tmp_path):
    target = pair.ours.url("api").removeprefix("http://")
    with Prometheus(tmp_path / "reader", READER.format(target=target)) as reader:
        for query in ("shop_requests_total", "sum by (job) (rate(shop_cpu_seconds_total[5m]))", 'shop_job_progress{task!="export"}'):
            params = {"query": query, "start": pair.start, "end": pair.end, "step": 60}
            read, theirs = (pair.of(url, "/api/v1/query_range", params).json() for url in (reader.url, pair.theirs.url))
            assert compare.difference(read["data"], theirs["data"]) is None
            assert theirs["data"]["result"]

        expected = Api(pair.ours.url("api")).query('{__name__=~"shop_.+|up"}')
        named = lambda labels: labels | {"__name__": f"federated_{labels['__name__']}"}

        def scraped():
            found = Api(reader.url).query('{__name__=~"federated_.+"}')
            assert len(found) == len(expected)
            return {json.dumps(labels, sort_keys=True): value for labels, value in found}

        copied = poll.until("the scrape of /federate", scraped)
        for labels, value in expected:
            assert compare.same_number(copied[json.dumps(named(labels), sort_keys=True)], value), labels


def test_streamed_reads_have_the_samples_of_prometheus(pair):
    for name in ("shop_requests_total", "shop_special_values", "shop_job_progress", "shop_none"):
        over = (pair.start * 1000, pair.end * 1000)
        ours = remote_read.streamed(pair.ours.url("api"), name, *over)
        assert ours == remote_read.streamed(pair.theirs.url, name, *over)
        assert bool(ours) == (name != "shop_none")


def test_broken_reads_are_refused(pair):
    for body in (b"x", remote_write.snappy(b"\x0a\x05")):
        assert [answer.status_code for answer in (
            requests.post(url + "/api/v1/read", data=body, timeout=10) for url in (pair.ours.url("api"), pair.theirs.url)
        )] == [400, 400]


def test_cardinality_is_that_of_prometheus(pair):
    ours, theirs = (answer.json()["data"] for answer in pair.ask("/api/v1/status/tsdb", {"limit": 500}))
    assert ours.keys() >= theirs.keys()
    # The head here keeps no count of its chunks.
    assert ours["headStats"].keys() == theirs["headStats"].keys() - {"chunkCount"}
    own = len(Api(pair.ours.url("api")).json("/api/v1/series", **{"match[]": '{__name__!="",job=""}'})["data"])
    assert ours["headStats"]["numSeries"] - own == theirs["headStats"]["numSeries"] == len(pair.series)
    # Not `memoryInBytesByLabelName`: Prometheus 2 counts a value once, Prometheus 3 once for each of its series.
    for name in ("seriesCountByMetricName", "labelValueCountByLabelName", "seriesCountByLabelValuePair"):
        # Prometheus lists ten, whatever it is asked for.
        entries = {entry["name"]: entry["value"] for entry in ours[name]}
        assert len(theirs[name]) > 3
        for entry in theirs[name]:
            assert entry["name"] == "__name__" or entries[entry["name"]] == entry["value"], name


def test_growth_and_refusals_are_shown(pair):
    api = Api(pair.ours.url("api"))
    report = api.json("/api/v1/cardinality", limit=3)["data"]
    # Nothing is in a block yet, so nothing is known of an hour ago.
    assert report["metrics"][0] == {"name": "shop_requests_total", "value": 54, "1h": None, "1d": None}
    assert [len(report[name]) for name in ("metrics", "jobs", "labelsByValues", "labelsByBytes", "labelValuePairs")] == [3] * 5
    assert report["series"]["value"] >= len(pair.series)
    assert sum(report["refused"]["samples"].values()) == 0 and report["refused"]["messages"] == []
    assert api.get("/api/v1/cardinality", limit=0).status_code == 400


def test_a_large_answer_needs_little_memory_of_its_own(own_server):
    end = int(time.time()) - 30
    remote_write.send(own_server.url("api"), shop.series(end * 1000))
    params = {"query": '{job!=""}', "start": end - 2200, "end": end, "step": 0.2}

    def ask(**more):
        answer = requests.get(own_server.url("api", "/api/v1/query_range"), params=params | more, timeout=60)
        assert answer.status_code == 200, answer.text[:500]
        return len(answer.content)

    # Both evaluate everything, and differ in what they write. Several times, so that every thread has its memory.
    for _ in range(6):
        ask(limit=1)
    before_kib = own_server.memory_kib("VmHWM")
    answered_kib = ask() / 1024
    assert answered_kib > 30 * 1024
    # A text that is held as a whole takes all of that, and twice as much while it grows; the rest is what heaps vary by.
    assert own_server.memory_kib("VmHWM") - before_kib < answered_kib * 0.8
