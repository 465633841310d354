"""The native query API and the Prometheus API, as a test reads them back."""

import base64
import json

import requests

from harness import poll

SEVERITY_RANGES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


class Api:
    def __init__(self, url):
        self.url = url
        self.session = requests.Session()

    def get(self, path, **params):
        return self.session.get(self.url + path, params=params, timeout=30)

    def json(self, path, **params):
        answer = self.get(path, **params)
        assert answer.status_code == 200, f"GET {answer.url}: {answer.status_code} {answer.text[:2000]}"
        return answer.json()

    def trace(self, trace_id, spans):
        """The trace once it holds that many spans, by span id."""

        def check():
            answer = self.get(f"/api/v1/traces/{trace_id}")
            assert answer.status_code == 200, f"GET {answer.url}: {answer.status_code} {answer.text[:2000]}"
            trace = answer.json()
            found = {span["span_id"]: span for span in trace["spans"]}
            assert len(found) == len(trace["spans"]) == spans, f"{len(trace['spans'])} spans instead of {spans}"
            assert trace["partial"] is None
            return found

        return poll.until(f"trace {trace_id} with {spans} spans", check)

    def logs(self, q, count, **params):
        """All logs that match, once there are that many."""

        def check():
            found = list(self.all_pages("logs", q=q, limit=1000, **params))
            assert len(found) == count, f"{len(found)} logs instead of {count} for {q}"
            return found

        return poll.until(f"{count} logs for {q}", check)

    def all_pages(self, kind, **params):
        """Follows `next_cursor` to the end; a cursor that does not end is an error."""
        params.setdefault("from", "now-1h")
        params.setdefault("to", "now")
        for _ in range(100_000):
            page = self.json(f"/api/v1/{kind}", **params)
            assert page["partial"] is None, page["partial"]
            yield from page[kind]
            if page["next_cursor"] is None:
                return
            params["cursor"] = page["next_cursor"]
        raise AssertionError("the cursor does not come to an end")

    def query(self, promql, **params):
        """An instant query: list of (labels, value as float)."""
        answer = self.json("/api/v1/query", query=promql, **params)
        assert answer["status"] == "success", answer
        assert answer["data"]["resultType"] == "vector", answer
        return [(sample["metric"], float(sample["value"][1])) for sample in answer["data"]["result"]]

    def one(self, promql, **params):
        """The only sample of an instant query, once it is there."""

        def check():
            found = self.query(promql, **params)
            assert len(found) == 1, f"{promql}: {found}"
            return found

        return poll.until(promql, check)[0]


def any_value(value):
    """What a Python value reads back as: proto3 JSON of AnyValue."""
    match value:
        case None:
            return {}
        case bool():
            return {"boolValue": value}
        case str():
            return {"stringValue": value}
        case int():
            return {"intValue": str(value)}
        case float():
            return {"doubleValue": _double(value)}
        case bytes():
            return {"bytesValue": base64.b64encode(value).decode()}
        case list() | tuple():
            return {"arrayValue": {"values": [any_value(item) for item in value]}}
        case dict():
            return {"kvlistValue": {"values": attributes(value)}}
    raise TypeError(type(value))


def _double(value):
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def attributes(values):
    return [{"key": key, "value": any_value(value)} for key, value in values.items()]


def normal(tree):
    """An answer with what may differ taken out: the order of attributes, empty lists left out of a value."""
    if isinstance(tree, list):
        items = [normal(item) for item in tree]
        if items and all(isinstance(item, dict) and set(item) == {"key", "value"} for item in items):
            return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
        return items
    if isinstance(tree, dict):
        out = {key: normal(value) for key, value in tree.items()}
        for wrapper in ("arrayValue", "kvlistValue"):
            if wrapper in out:
                out[wrapper] = {"values": out[wrapper].get("values", [])}
        return out
    return tree


def has_attributes(actual, expected):
    """Asserts that a list of attributes is exactly the Python dictionary."""
    assert normal(actual) == normal(attributes(expected))


def level(severity_number):
    if not 1 <= severity_number <= 24:
        return "UNSPECIFIED"
    return SEVERITY_RANGES[(severity_number - 1) // 4]
