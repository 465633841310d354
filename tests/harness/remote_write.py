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
