"""Native histograms leave the server as a real Prometheus sends them: streamed remote read, and /federate in protobuf."""

import time

import pytest
import requests

from harness import poll, prometheus, remote_read, remote_write
from harness.api import Api
from harness.prometheus import Prometheus

pytestmark = pytest.mark.skipif(not prometheus.installed(), reason=prometheus.MISSING)

NATIVE = ["native-histograms"]


def histograms(end_ms):
    """One histogram a series, so that a chunk of Prometheus holds one as well."""
    spans, deltas = [(-2, 3), (4, 2)], [5, -3, 0, 1, 300]
    return [
        ({"__name__": "native_seconds", "job": "a"}, [remote_write.histogram(end_ms, 3, spans, deltas, 12.5)]),
        ({"__name__": "native_seconds", "job": "b"}, [remote_write.histogram(end_ms - 777, -1, [(0, 1)], [70_000], -0.25, zero=(0.0, 0))]),
        ({"__name__": "native_gauge", "job": "a"}, [remote_write.histogram(end_ms, 0, spans[:1], deltas[:3], 1e9, hint=3, zero=(0.5, 9))]),
    ]


def test_streamed_chunks_are_those_of_prometheus(own_server, tmp_path):
    end = int(time.time() * 1000) - 2000
    with Prometheus(tmp_path / "theirs", features=NATIVE) as theirs:
        urls = own_server.url("api"), theirs.url
        for url in urls:
            remote_write.send_histograms(url, histograms(end))
        for name, series in (("native_seconds", 2), ("native_gauge", 1)):
            ours, expected = (remote_read.chunks(url, name, end - 10_000, end) for url in urls)
            assert len(expected) == series
            assert list(map(layout, ours.items())) == list(map(layout, expected.items()))


def layout(found):
    """Without the hint: Prometheus 2.42 knows no gauges."""
    labels, chunks = found
    data = [bytes(chunk[4]) for chunk in chunks]
    hints = {d[2] for d in data}
    assert hints <= {0, 0xC0}
    return labels, [(chunk[1], chunk[2], chunk[3], d[:2] + d[3:]) for chunk, d in zip(chunks, data)]



FEDERATE = """
scrape_configs:
  - job_name: federate
    honor_labels: true
    scrape_interval: 1s
    metrics_path: /federate
    params: {{'match[]': ['{{__name__=~"native_.+|up"}}']}}
    static_configs:
      - targets: ['{target}']
"""


def test_a_prometheus_federates_native_histograms(own_server, tmp_path):
    end = int(time.time() * 1000) - 2000
    remote_write.send_histograms(own_server.url("api"), histograms(end))
    target = own_server.url("api").removeprefix("http://")
    with Prometheus(tmp_path / "reader", FEDERATE.format(target=target), features=NATIVE) as reader:
        # Not quantiles: Prometheus 2 interpolates within buckets in another way.
        queries = [f"histogram_{what}({name})" for what in ("count", "sum") for name in ("native_seconds", "native_gauge")]

        def all_of(url):
            ask = lambda query: sorted((labels["job"], value) for labels, value in Api(url).query(query))
            return {query: ask(query) for query in queries}

        expected = all_of(own_server.url("api"))
        assert [len(found) for found in expected.values()] == [2, 1, 2, 1]

        def scraped():
            found = all_of(reader.url)
            assert found == expected
            return found

        poll.until("the scrape of /federate", scraped, deadline_s=30)

    # In the text format there are none, as in Prometheus.
    text = requests.get(own_server.url("api") + "/federate", params={"match[]": "native_seconds"}, timeout=10)
    assert text.status_code == 200 and "native_seconds" not in text.text
