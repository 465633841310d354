"""Remote write 1.0 by hand: protobuf and snappy's literals need a few lines, and no library that could hide a mistake."""

import struct

import requests


def _varint(number):
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _field(number, body):
    return _varint(number << 3 | 2) + _varint(len(body)) + body


def _series(labels, samples):
    out = bytearray()
    for name, value in sorted(labels.items()):
        out += _field(1, _field(1, name.encode()) + _field(2, value.encode()))
    for t_ms, value in samples:
        out += _field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + _varint(t_ms))
    return bytes(out)


def _zigzag(number):
    return _varint(number << 1 ^ number >> 63)


def histogram(t_ms, schema, spans, deltas, total, hint=0, zero=(0.001, 2)):
    """A native histogram of whole counts: spans are (offset, length), counts differences between neighbours."""
    out = b"\x08" + _varint(sum(_running(deltas)) + zero[1]) + b"\x19" + struct.pack("<d", total)
    out += b"\x20" + _zigzag(schema) + b"\x29" + struct.pack("<d", zero[0]) + b"\x30" + _varint(zero[1])
    out += b"".join(_field(11, b"\x08" + _zigzag(offset) + b"\x10" + _varint(length)) for offset, length in spans)
    out += _field(12, b"".join(_zigzag(delta) for delta in deltas))
    return out + b"\x70" + _varint(hint) + b"\x78" + _varint(t_ms)


def _running(deltas):
    total = 0
    for delta in deltas:
        total += delta
        yield total


def send_histograms(url, series):
    """Sends (labels, [histogram]) as they are."""
    parts = [_series(labels, []) + b"".join(_field(4, h) for h in histograms) for labels, histograms in series]
    headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
    body = snappy(b"".join(_field(1, part) for part in parts))
    answer = requests.post(url + "/api/v1/write", data=body, headers=headers, timeout=30)
    assert answer.status_code in (200, 204), f"{answer.status_code} {answer.text[:1000]}"


def snappy(data):
    """The block format with literals only: valid, and not smaller."""
    out = bytearray(_varint(len(data)))
    for at in range(0, len(data), 60_000):
        chunk = data[at : at + 60_000]
        out += bytes([61 << 2]) + struct.pack("<H", len(chunk) - 1) + chunk
    return bytes(out)


def request(series):
    """A request from (labels, [(milliseconds, value)])."""
    return snappy(b"".join(_field(1, _series(labels, samples)) for labels, samples in series))


def send(url, series, series_per_request=50):
    headers = {
        "Content-Type": "application/x-protobuf",
        "Content-Encoding": "snappy",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    }
    for at in range(0, len(series), series_per_request):
        body = request(series[at : at + series_per_request])
        answer = requests.post(url + "/api/v1/write", data=body, headers=headers, timeout=30)
        assert answer.status_code in (200, 204), f"{answer.status_code} {answer.text[:1000]}"
