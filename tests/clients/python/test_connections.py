"""Connections that are not used as they should be: half a request, a peer that is gone, ten thousand that wait."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests

from harness import otlp, poll
from harness.backend import BackEnd, numbered
from harness.collector import Collector

AGENT = """
receivers:
  otlp:
    protocols:
      http: {endpoint: '{http}', read_header_timeout: 1s, read_timeout: 1s}
      grpc: {endpoint: '{grpc}', keepalive: {server_parameters: {time: 1s, timeout: 1s}}}
exporters:
  otlphttp: {endpoint: BACKEND}
extensions: {zpages: {endpoint: '{health}'}}
service:
  extensions: [zpages]
  pipelines:
    logs: {receivers: [otlp], exporters: [otlphttp]}
"""
MANY = 10_000


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    with BackEnd() as backend:
        agent = Collector(tmp_path_factory.mktemp("agent"), AGENT.replace("BACKEND", backend.url())).start()
        yield agent
        assert "panicked at" not in agent.log(), agent.log()[-4000:]
        agent.terminate()


def open_sockets(agent):
    """Sockets of the process, with those that listen."""
    count = 0
    for name in os.listdir(f"/proc/{agent.process.pid}/fd"):
        with contextlib.suppress(OSError):
            count += os.readlink(f"/proc/{agent.process.pid}/fd/{name}").startswith("socket:")
    return count


def closed_by_peer(connection, deadline_s=15):
    """Reads to the end; what was answered before it."""
    connection.settimeout(deadline_s)
    got = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return got
        if not part:
            return got
        got += part


def dial(agent, face):
    return socket.create_connection(("127.0.0.1", agent.ports[face]), timeout=10)


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
EMPTY_SETTINGS = b"\0\0\0\x04\0\0\0\0\0"

HALVES = {
    "nothing": b"",
    "half a header": b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-",
    "half a body": b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 1000\r\n\r\nabc",
    "half a chunk": b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
    "an idle HTTP/1 connection": b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
    "half a preface": PREFACE[:10],
}


def test_half_requests_are_cut_off(agent):
    """All at once; each is given up after its second, and nothing of it is left."""
    before = open_sockets(agent)
    http = {name: dial(agent, "otlp_http") for name in HALVES}
    # A peer of HTTP/2 that never answers a ping, as one whose machine is gone.
    silent = dial(agent, "otlp_grpc")
    silent.sendall(PREFACE + EMPTY_SETTINGS)
    for name, connection in http.items():
        connection.sendall(HALVES[name])
    answers = {name: closed_by_peer(connection) for name, connection in http.items()}
    assert answers["half a body"].startswith(b"HTTP/1.1 503") and b"did not arrive in 1s" in answers["half a body"]
    assert answers["an idle HTTP/1 connection"].startswith(b"HTTP/1.1 404")
    closed_by_peer(silent)
    for connection in (*http.values(), silent):
        connection.close()
    poll.until("their sockets are closed", lambda: open_sockets(agent) <= before)
    assert otlp.post(agent, "logs", numbered("after", 1)).status_code == 200


STOPPED_CLIENT = """
import sys, time, requests, socket
session = requests.Session()
for number in range(5):
    session.post(sys.argv[1], data=b"", headers={"Content-Type": "application/x-protobuf"}).raise_for_status()
keep = [socket.create_connection(("127.0.0.1", int(sys.argv[2]))) for _ in range(20)]
for one in keep:
    one.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + b"\\0\\0\\0\\x04\\0\\0\\0\\0\\0")
print("ready", flush=True)
time.sleep(600)
"""


def test_a_client_that_stops_answering_is_given_up(agent):
    """SIGSTOP: the operating system still acknowledges bytes, the process never says anything again."""
    before = open_sockets(agent)
    client = subprocess.Popen(
        [sys.executable, "-c", STOPPED_CLIENT, agent.url("otlp_http", "/v1/logs"), str(agent.ports["otlp_grpc"])], stdout=subprocess.PIPE
    )
    try:
        assert client.stdout.readline() == b"ready\n"
        poll.until("its connections are there", lambda: open_sockets(agent) >= before + 20)
        client.send_signal(signal.SIGSTOP)
        poll.until("they are given up", lambda: open_sockets(agent) <= before + 5, deadline_s=20)
    finally:
        client.kill()
        client.wait()


def test_ten_thousand_connections_and_one_that_works(tmp_path):
    """Each has sent a request, and waits; one goes on sending. The server raises its own limit of open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Ours and the server's are two processes, each with its own files.
    wanted = min(MANY, hard - 2000 if hard != resource.RLIM_INFINITY else MANY, 3 * (hard - 1100) // 4)
    if wanted < MANY:
        print(f"\nonly {wanted} connections: this machine allows {hard} open files")
    if wanted < 500:
        pytest.skip(f"this machine allows {hard} open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, wanted + 1000)), hard))
    yaml = AGENT.replace("read_header_timeout: 1s, read_timeout: 1s", "read_header_timeout: 60s")
    with BackEnd() as backend:
        agent = Collector(tmp_path / "agent", yaml.replace("BACKEND", backend.url())).start()
        connections = []
        try:
            at_rest = agent.memory_kib()
            request = b"POST /v1/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"
            for _ in range(wanted):
                connection = dial(agent, "otlp_http")
                connections.append(connection)
                connection.sendall(request)
                assert connection.recv(4096).startswith(b"HTTP/1.1 200")
            assert open_sockets(agent) >= wanted
            session, took = requests.Session(), []
            for number in range(50):
                began = time.monotonic()
                answer = session.post(
                    agent.url("otlp_http", "/v1/logs"),
                    data=numbered("busy", number),
                    headers={"Content-Type": otlp.PROTOBUF},
                    timeout=10,
                )
                took.append(time.monotonic() - began)
                assert answer.status_code == 200
            each = (agent.memory_kib() - at_rest) / wanted
            print(f"\n{wanted} connections, {each:.1f} KiB each; one that works waits {sorted(took)[25] * 1000:.1f} ms")
            assert each < 64
            # Those that waited can still send.
            for connection in connections[:: wanted // 20]:
                connection.sendall(request)
                assert connection.recv(4096).startswith(b"HTTP/1.1 200")
            for connection in connections:
                connection.close()
            connections.clear()
            poll.until("all are gone", lambda: open_sockets(agent) < 50)
            poll.until("all records", lambda: len(backend.bodies()) == 50)
        finally:
            for connection in connections:
                connection.close()
            agent.terminate()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
