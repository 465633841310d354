"""OTLP/HTTP by hand: encodings, wrong input, limits. A refusal says what and where; the rest is stored; nothing ends.

Statuses and bodies: the OTLP specification, section "OTLP/HTTP Response".
"""

import base64
import gzip
import http.client
import json
import math
import random
import socket
import struct
import time
import zlib

import grpc
import pytest
import requests
import zstandard
from google.protobuf import json_format
from google.rpc.status_pb2 import Status

from harness import api as expect
from harness import otlp, poll

SIGNALS = ("traces", "logs", "metrics")


def some_request(signal, service):
    now = time.time_ns()
    match signal:
        case "traces":
            return otlp.traces(service, span(now))
        case "logs":
            return otlp.logs(service, {"time_unix_nano": now, "body": "hello", "severity_number": 9})
        case "metrics":
            return otlp.gauge(service, "edge.gauge", ({"k": "v"}, now, 1.5))


def span(now, **fields):
    return {
        "trace_id": otlp.trace_id(),
        "span_id": otlp.span_id(),
        "name": "edge",
        "kind": 1,
        "start_time_unix_nano": now,
        "end_time_unix_nano": now + 1_000,
        **fields,
    }


def is_stored(api, signal, service):
    match signal:
        case "traces":
            poll.until("the span", lambda: len(list(api.all_pages("traces", q=f"service:{service}"))) == 1)
        case "logs":
            api.logs(f"service:{service}", 1)
        case "metrics":
            assert api.one(f'edge_gauge{{service="{service}"}}')[1] == 1.5


def json_body(message):
    """OTLP/JSON: protobuf's JSON form, with ids in hex instead of base64."""
    tree = json_format.MessageToDict(message)

    def ids_as_hex(node):
        if isinstance(node, list):
            for item in node:
                ids_as_hex(item)
        elif isinstance(node, dict):
            for key, value in node.items():
                if key in ("traceId", "spanId", "parentSpanId"):
                    node[key] = base64.b64decode(value).hex()
                else:
                    ids_as_hex(value)

    ids_as_hex(tree)
    return json.dumps(tree).encode()


def refusal(answer):
    """The google.rpc.Status of a refusal, which is told in the encoding of the request."""
    content_type = answer.headers["Content-Type"].split(";")[0]
    if content_type == otlp.JSON:
        told = answer.json()
        status = Status(code=told.get("code", 0), message=told["message"])
    else:
        assert content_type == otlp.PROTOBUF
        status = Status.FromString(answer.content)
    assert status.message, "a refusal says what is wrong"
    return status


ENCODINGS = {
    "identity": (None, lambda body: body),
    "gzip": ("gzip", gzip.compress),
    "zstd": ("zstd", zstandard.compress),
}


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", ["protobuf", "json"])
def test_every_encoding_is_taken_and_answered_in_kind(server, api, service, signal, encoding, form):
    request = some_request(signal, service)
    body = json_body(request) if form == "json" else request.SerializeToString()
    content_type = otlp.JSON if form == "json" else otlp.PROTOBUF
    name, encode = ENCODINGS[encoding]
    answer = otlp.post(server, signal, encode(body), content_type, name)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].split(";")[0] == content_type
    response = otlp.RESPONSES[signal]()
    if form == "json":
        json_format.Parse(answer.content, response)
    else:
        response.ParseFromString(answer.content)
    assert not response.HasField("partial_success")
    is_stored(api, signal, service)


@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_a_chunked_body_is_taken(server, api, service, chunk):
    body = some_request("traces", service).SerializeToString()
    pieces = (body[at : at + chunk] for at in range(0, len(body), chunk))
    assert otlp.post(server, "traces", pieces).status_code == 200
    is_stored(api, "traces", service)


def test_a_content_type_with_parameters_and_in_capitals_is_taken(server, api, service):
    body = json_body(some_request("logs", service))
    answer = otlp.post(server, "logs", body, "Application/JSON; charset=utf-8")
    assert answer.status_code == 200, answer.text
    is_stored(api, "logs", service)


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("content_type", [otlp.PROTOBUF, otlp.JSON])
def test_an_empty_request_is_fine(server, signal, content_type):
    body = b"{}" if content_type == otlp.JSON else b""
    answer = otlp.post(server, signal, body, content_type)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", ""])
def test_another_content_type_is_415(server, content_type):
    answer = otlp.post(server, "traces", b"x", content_type)
    assert answer.status_code == 415, answer.text
    assert answer.text, "it says which types are taken"


def test_an_unknown_encoding_is_refused(server):
    answer = otlp.post(server, "traces", b"x", encoding="snappy")
    assert answer.status_code in (400, 415)
    assert "snappy" in refusal(answer).message


def test_a_second_gzip_member_is_refused_not_dropped(server, service):
    request = some_request("logs", service).SerializeToString()
    half = len(request) // 2
    members = gzip.compress(request[:half]) + gzip.compress(request[half:])
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}
    answer = requests.post(server.url("otlp_http", "/v1/logs"), data=members, headers=headers, timeout=10)
    assert answer.status_code == 400
    assert "members" in Status.FromString(answer.content).message


@pytest.mark.parametrize("content_type", [otlp.PROTOBUF, otlp.JSON])
@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_broken_compression_is_400(server, service, encoding, content_type):
    body = ENCODINGS[encoding][1](some_request("traces", service).SerializeToString())
    for broken in (b"not compressed", body[: len(body) // 2], body[:-1] if encoding == "gzip" else body[:5]):
        answer = otlp.post(server, "traces", broken, content_type, encoding)
        assert answer.status_code == 400, (broken, answer.text)
        refusal(answer)


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_truncated_protobuf_is_400_and_says_where(server, service, signal):
    body = some_request(signal, service).SerializeToString()
    for cut in (1, len(body) // 2, len(body) - 1):
        answer = otlp.post(server, signal, body[:cut])
        assert answer.status_code == 400, (cut, answer.content)
        assert answer.headers["Content-Type"] == otlp.PROTOBUF
        assert refusal(answer).code in (0, 3), "INVALID_ARGUMENT where a code is given"


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("body", [b"{", b"[]", b'{"resourceSpans": 7, "resourceLogs": 7, "resourceMetrics": 7}', b"\xff\xfe", b"null x"])
def test_broken_json_is_400_and_says_where(server, signal, body):
    answer = otlp.post(server, signal, body, otlp.JSON)
    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"].split(";")[0] == otlp.JSON
    refusal(answer)


@pytest.mark.parametrize("signal", SIGNALS)
def test_garbage_is_refused_and_ends_nothing(server, signal):
    random_bytes = random.Random(20_260_101)
    for size in (1, 2, 3, 10, 100, 1_000, 10_000):
        for _ in range(20):
            answer = otlp.post(server, signal, random_bytes.randbytes(size))
            assert answer.status_code in (200, 400), answer.content
    assert server.alive()


@pytest.mark.parametrize("depth", [200, 100_000])
def test_deep_json_is_refused(server, depth):
    value = '{"arrayValue":{"values":[' * depth + '{"intValue":"1"}' + "]}}" * depth
    body = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1","body":' + value + "}]}]}]}"
    answer = otlp.post(server, "logs", body.encode(), otlp.JSON)
    assert answer.status_code == 400, answer.text[:500]
    refusal(answer)


def test_deep_protobuf_is_refused(server):
    """The record alone by count, or the request as a whole."""

    def field(number, payload):
        size, varint = len(payload), b""
        while size >= 0x80:
            varint += bytes([size & 0x7F | 0x80])
            size >>= 7
        return bytes([number << 3 | 2]) + varint + bytes([size]) + payload

    value = b"\x18\x01"
    for _ in range(2_000):
        value = field(5, field(1, value))
    body = field(1, field(2, field(2, field(5, value))))
    answer = otlp.post(server, "logs", body)
    if answer.status_code == 200:
        partial = otlp.RESPONSES["logs"].FromString(answer.content).partial_success
        assert partial.rejected_log_records == 1 and partial.error_message
    else:
        assert answer.status_code == 400, answer.content[:500]
        refusal(answer)


def test_a_declared_giant_is_413_before_it_is_sent(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.ports["otlp_http"], timeout=20)
    connection.putrequest("POST", "/v1/traces")
    connection.putheader("Content-Type", otlp.PROTOBUF)
    connection.putheader("Content-Length", str(2**31))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert answer.read()
    connection.close()


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_compression_bomb_is_413(server, encoding):
    zeros = b"\0" * (1 << 20)
    if encoding == "gzip":
        squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
        body = b"".join(squeeze.compress(zeros) for _ in range(512)) + squeeze.flush()
    else:
        squeeze = zstandard.ZstdCompressor().compressobj()
        body = b"".join(squeeze.compress(zeros) for _ in range(512)) + squeeze.flush()
    answer = otlp.post(server, "traces", body, encoding=encoding)
    assert answer.status_code == 413, answer.content[:300]
    assert "max_request_body_size" in refusal(answer).message, "it names the setting"


def test_invalid_utf8_harms_no_other_record(server, api, service):
    """Refused as a whole with 400, or told as partial success with the good record kept."""
    request = otlp.logs(
        service,
        {"time_unix_nano": time.time_ns(), "body": "good"},
        {"time_unix_nano": time.time_ns(), "body": "BADBADBAD"},
    )
    body = request.SerializeToString().replace(b"BADBADBAD", b"\xff\xfe\x80BADBAD")
    answer = otlp.post(server, "logs", body)
    assert answer.status_code in (200, 400), answer.content
    if answer.status_code == 400:
        refusal(answer)
        return
    found = api.json("/api/v1/logs", q=f"service:{service}", **{"from": "now-1h", "to": "now"})["logs"]
    response = otlp.RESPONSES["logs"].FromString(answer.content)
    assert len(found) + response.partial_success.rejected_log_records == 2
    assert {"stringValue": "good"} in [log["body"] for log in found]


def test_zero_and_short_ids_are_refused_by_count(server, api, service):
    now = time.time_ns()
    request = otlp.traces(
        service,
        span(now, trace_id=bytes(16)),
        span(now, span_id=bytes(8)),
        span(now, trace_id=b"short"),
        span(now, name="good"),
    )
    answer = otlp.post(server, "traces", request.SerializeToString())
    assert answer.status_code == 200, answer.content
    partial = otlp.RESPONSES["traces"].FromString(answer.content).partial_success
    assert partial.rejected_spans == 3
    assert "id" in partial.error_message
    (trace,) = poll.until("the good span", lambda: list(api.all_pages("traces", q=f"service:{service}")))
    assert trace["root_name"] == "good"


@pytest.mark.parametrize("year, at", [(1970, 1), (2200, 7_258_118_400_000_000_000)])
def test_times_far_away_are_told_or_kept(server, api, service, year, at):
    """Kept and found where they say they are, or refused by count; never moved or lost in silence."""
    request = otlp.logs(service, {"time_unix_nano": at, "body": f"from {year}"})
    answer = otlp.post(server, "logs", request.SerializeToString())
    assert answer.status_code in (200, 400), answer.content
    if answer.status_code == 400:
        return
    rejected = otlp.RESPONSES["logs"].FromString(answer.content).partial_success
    if rejected.rejected_log_records:
        assert rejected.error_message
        return
    window = {"from": str(max(at - 10**9, 0)), "to": str(at + 10**9)}
    (log,) = poll.until("the log", lambda: list(api.all_pages("logs", q=f"service:{service}", **window)))
    assert log["time_unix_nano"] == str(at)


def test_a_log_without_a_time_is_found_at_its_observed_time(server, api, service):
    now = time.time_ns()
    request = otlp.logs(service, {"observed_time_unix_nano": now, "body": "no time"})
    assert otlp.post(server, "logs", request.SerializeToString()).status_code == 200
    (log,) = api.logs(f"service:{service}", 1)
    assert log["observed_time_unix_nano"] == str(now)


def test_a_span_that_ends_before_it_starts_is_not_turned_into_an_age(server, api, service):
    now = time.time_ns()
    broken = span(now, end_time_unix_nano=now - 5)
    answer = otlp.post(server, "traces", otlp.traces(service, broken).SerializeToString())
    assert answer.status_code == 200, answer.content
    if otlp.RESPONSES["traces"].FromString(answer.content).partial_success.rejected_spans:
        return
    (found,) = api.trace(broken["trace_id"].hex(), 1).values()
    assert -5 <= found["duration_nanos"] <= 0


def test_a_link_keeps_its_trace_state_and_flags(server, api, service):
    """The Python SDK does not send these two."""
    sent = span(time.time_ns())
    request = otlp.traces(service, sent)
    link = request.resource_spans[0].scope_spans[0].spans[0].links.add()
    link.trace_id, link.span_id = otlp.trace_id(), otlp.span_id()
    link.trace_state, link.flags = "vendor=v1,other=v2", 0x301
    assert otlp.post(server, "traces", request.SerializeToString()).status_code == 200
    (expected,) = otlp.spans_json(request)
    (found,) = api.trace(expected["trace_id"], 1).values()
    assert expect.normal(found) == expect.normal(expected)
    assert found["links"][0]["trace_state"] == "vendor=v1,other=v2"


def test_nan_and_infinity_read_back_as_the_json_mapping_spells_them(server, api, service):
    odd = {"nan": math.nan, "up": math.inf, "down": -math.inf, "zero": -0.0}
    sent = span(time.time_ns(), attributes=odd)
    trace_id = sent["trace_id"].hex()
    assert otlp.post(server, "traces", otlp.traces(service, sent).SerializeToString()).status_code == 200
    (found,) = api.trace(trace_id, 1).values()
    expect.has_attributes(found["attributes"], odd)


def test_nan_and_infinity_are_sample_values(server, api, service):
    now = time.time_ns()
    points = [({"is": name}, now, value) for name, value in (("nan", math.nan), ("up", math.inf), ("down", -math.inf))]
    request = otlp.gauge(service, "edge.odd", *points)
    assert otlp.post(server, "metrics", request.SerializeToString()).status_code == 200
    values = {
        name: api.one(f'edge_odd{{service="{service}",is="{name}"}}')[1] for name in ("nan", "up", "down")
    }
    assert math.isnan(values["nan"]) and values["up"] == math.inf and values["down"] == -math.inf


@pytest.mark.parametrize("what", ["one attribute of 10 MB", "10,000 attribute keys", "a key of 1 MB"])
def test_a_giant_record_is_kept_whole_or_told(server, api, service, what):
    giant = {
        "one attribute of 10 MB": {"big": "x" * 10_000_000},
        "10,000 attribute keys": {f"key.{number}": number for number in range(10_000)},
        "a key of 1 MB": {"k" * 1_000_000: "v"},
    }[what]
    now = time.time_ns()
    request = otlp.logs(
        service,
        {"time_unix_nano": now, "body": "giant", "attributes": giant},
        {"time_unix_nano": now + 1, "body": "small"},
    )
    answer = otlp.post(server, "logs", request.SerializeToString())
    assert answer.status_code in (200, 400, 413), answer.content[:300]
    if answer.status_code != 200:
        refusal(answer)
        return
    rejected = otlp.RESPONSES["logs"].FromString(answer.content).partial_success
    found = api.logs(f"service:{service}", 2 - rejected.rejected_log_records)
    bodies = {log["body"]["stringValue"]: log for log in found}
    assert "small" in bodies
    if rejected.rejected_log_records:
        assert rejected.error_message
    else:
        log = bodies["giant"]
        if log["dropped_attributes_count"] == 0:
            expect.has_attributes(log["attributes"], giant)
        else:
            assert log["dropped_attributes_count"] + len(log["attributes"]) == len(giant)


def test_a_huge_json_body_is_taken_or_413(server, api, service):
    records = [{"timeUnixNano": str(time.time_ns()), "body": {"stringValue": "y" * 1_000}} for _ in range(5_000)]
    body = {
        "resourceLogs": [
            {
                "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                "scopeLogs": [{"logRecords": records}],
            }
        ]
    }
    answer = otlp.post(server, "logs", json.dumps(body).encode(), otlp.JSON)
    assert answer.status_code in (200, 413), answer.text[:300]
    if answer.status_code == 200:
        api.logs(f"service:{service}", 5_000)


def test_json_takes_numbers_as_numbers_or_text_and_ignores_unknown_fields(server, api, service):
    now = time.time_ns()
    for at in (now, str(now + 1)):
        body = {
            "unknown": {"deep": [1, {"x": None}]},
            "resourceLogs": [
                {
                    "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                    "scopeLogs": [{"logRecords": [{"timeUnixNano": at, "body": {"intValue": 5}, "later": "field"}]}],
                }
            ],
        }
        assert otlp.post(server, "logs", json.dumps(body).encode(), otlp.JSON).status_code == 200
    found = api.logs(f"service:{service}", 2)
    assert [log["time_unix_nano"] for log in found] == [str(now + 1), str(now)]
    assert {log["body"]["intValue"] for log in found} == {"5"}


@pytest.mark.parametrize("method, path, status", [("POST", "/v1/nothing", 404), ("GET", "/v1/traces", 405), ("PUT", "/v1/logs", 405)])
def test_other_paths_and_methods(server, method, path, status):
    answer = requests.request(method, server.url("otlp_http", path), timeout=10)
    assert answer.status_code == status
    assert answer.text, "it says what would be right"


@pytest.mark.parametrize("signal", SIGNALS)
def test_a_browser_may_ask_first(server, signal):
    answer = requests.options(
        server.url("otlp_http", f"/v1/{signal}"),
        headers={
            "Origin": "http://localhost:5173",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-shop",
        },
        timeout=10,
    )
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert allowed == "*" or {"content-type", "x-shop"} <= {name.strip() for name in allowed.split(",")}

    posted = otlp.post(server, signal, b"{}", otlp.JSON, Origin="http://localhost:5173")
    assert posted.headers["Access-Control-Allow-Origin"] == "http://localhost:5173"


def test_a_page_of_a_foreign_site_is_not_let_in_unasked(server):
    posted = otlp.post(server, "logs", b"{}", otlp.JSON, Origin="http://shop.example")
    assert "Access-Control-Allow-Origin" not in posted.headers
    read = requests.get(server.url("api", "/api/v1/status"), headers={"Origin": "http://shop.example"}, timeout=10)
    assert "Access-Control-Allow-Origin" not in read.headers


def test_half_a_request_blocks_nobody(server, api, service):
    idle = []
    for _ in range(20):
        half = socket.create_connection(("127.0.0.1", server.ports["otlp_http"]))
        half.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
        idle.append(half)
    answer = otlp.post(server, "traces", some_request("traces", service).SerializeToString(), timeout=10)
    assert answer.status_code == 200
    for half in idle:
        half.close()
    is_stored(api, "traces", service)


def test_bad_grpc_messages_are_refused_with_a_status(server, service):
    good = some_request("traces", service).SerializeToString()
    with grpc.insecure_channel(f"127.0.0.1:{server.ports['otlp_grpc']}") as channel:
        path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        call = channel.unary_unary(path)
        for body, code in ((good[:-3], grpc.StatusCode.INVALID_ARGUMENT), (struct.pack(">I", 7), grpc.StatusCode.INVALID_ARGUMENT)):
            with pytest.raises(grpc.RpcError) as refused:
                call(body, timeout=10)
            assert refused.value.code() == code and refused.value.details()
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary("/opentelemetry.proto.collector.trace.v1.TraceService/Other")(good, timeout=10)
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
        with pytest.raises(grpc.RpcError) as refused:
            call(b"\0" * (256 << 20), timeout=60)
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert call(good, timeout=10) == b""
