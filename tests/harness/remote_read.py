"""Remote read by hand, streamed: the request, and a reader of frames and XOR chunks that shares nothing with the server."""

import struct

import requests

from harness.remote_write import _field, _varint, snappy

STREAMED = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse"


def chunks(url, name, start_ms, end_ms):
    """Chunks by labels, as fields by number: 1 first and 2 last time, 3 encoding, 4 data."""
    matcher = b"\x08\x00" + _field(2, b"__name__") + _field(3, name.encode())
    query = b"\x08" + _varint(start_ms) + b"\x10" + _varint(end_ms) + _field(3, matcher)
    answer = requests.post(url + "/api/v1/read", data=snappy(_field(1, query) + _field(2, b"\x01")), timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == STREAMED
    out = {}
    for frame in _frames(answer.content):
        for number, series in _fields(frame):
            if number != 1:
                continue
            parts = list(_fields(series))
            labels = tuple(tuple(bytes(v).decode() for _, v in _fields(part)) for number, part in parts if number == 1)
            chunks = [dict(_fields(part)) for number, part in parts if number == 2]
            out.setdefault(labels, []).extend(chunks)
    return out


def streamed(url, name, start_ms, end_ms):
    """Samples by labels, as (milliseconds, value as 64 bits)."""
    out = {}
    for labels, found in chunks(url, name, start_ms, end_ms).items():
        assert all(chunk[3] == 1 for chunk in found)
        samples = [sample for chunk in found for sample in _xor(chunk[4])]
        out[labels] = [s for s in samples if start_ms <= s[0] <= end_ms]
    return out


def _read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def _frames(data):
    at = 0
    while at < len(data):
        length, at = _read_varint(data, at)
        checksum, message = struct.unpack(">I", data[at : at + 4])[0], data[at + 4 : at + 4 + length]
        assert _crc32c(message) == checksum and len(message) == length
        yield message
        at += 4 + length


def _crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def _fields(data):
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        if key & 7 == 0:
            value, at = _read_varint(data, at)
        else:
            assert key & 7 == 2, key
            length, at = _read_varint(data, at)
            value, at = data[at : at + length], at + length
        yield key >> 3, value


class _Bits:
    def __init__(self, data):
        self.value, self.left = int.from_bytes(data, "big"), len(data) * 8

    def take(self, count):
        self.left -= count
        assert self.left >= 0
        return self.value >> self.left & (1 << count) - 1

    def varint(self):
        value = shift = 0
        while True:
            byte = self.take(8)
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value


def _xor(data):
    bits = _Bits(data)
    count = bits.take(16)
    t = delta = value = width = trailing = 0
    for number in range(count):
        if number == 0:
            zigzag = bits.varint()
            t, value = zigzag >> 1 ^ -(zigzag & 1), bits.take(64)
        else:
            delta = bits.varint() if number == 1 else delta + _change(bits)
            t += delta
            if bits.take(1):
                if bits.take(1):
                    leading, width = bits.take(5), bits.take(6) or 64
                    trailing = 64 - leading - width
                value ^= bits.take(width) << trailing
        yield t, value


def _change(bits):
    if not bits.take(1):
        return 0
    for width in (14, 17, 20):
        if not bits.take(1):
            value = bits.take(width)
            return value - (1 << width) if value > 1 << (width - 1) else value
    value = bits.take(64)
    return value - (1 << 64) if value >> 63 else value
