"""Whether two answers of the Prometheus API say the same."""

import json
import math

TOLERANCE = 1e-9


def same_number(left, right):
    a, b = float(left), float(right)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    # The second is what is left of numbers that cancel out.
    return a == b or abs(a - b) <= max(TOLERANCE * max(abs(a), abs(b)), 1e-12)


def _points(element):
    return element["values"] if "values" in element else [element["value"]]


def _by_labels(elements):
    out = {json.dumps(element["metric"], sort_keys=True): element for element in elements}
    assert len(out) == len(elements), "a series comes twice"
    return out


def difference(ours, theirs):
    """What differs between the `data` of two queries, or None. The order of a vector's elements does not count."""
    if ours["resultType"] != theirs["resultType"]:
        return f"{ours['resultType']} instead of {theirs['resultType']}"
    if ours["resultType"] in ("scalar", "string"):
        left, right = ours["result"], theirs["result"]
        same = left[0] == right[0] and (left[1] == right[1] or same_number(left[1], right[1]))
        return None if same else f"{left} instead of {right}"
    left, right = _by_labels(ours["result"]), _by_labels(theirs["result"])
    if left.keys() != right.keys():
        return f"series too many: {sorted(left.keys() - right.keys())[:3]}, missing: {sorted(right.keys() - left.keys())[:3]}"
    for labels, element in left.items():
        a, b = _points(element), _points(right[labels])
        if [t for t, _ in a] != [t for t, _ in b]:
            return f"{labels}: {len(a)} points from {a[:1]} instead of {len(b)} from {b[:1]}"
        for (t, value), (_, expected) in zip(a, b):
            if not same_number(value, expected):
                return f"{labels} at {t}: {value} instead of {expected}"
    return None
