"""What an agent does when the back end behind it does not do its part: it is away, slow, full, or the agent's own disk is.

Senders are answered by what the agent knows: 200 when the request is safe on its disk, 503 with a time when it is not. What was
answered with 200 arrives.
"""

import os
import pathlib
import socket
import threading
import time

import pytest
import requests
from test_full_disk import small_disk  # noqa: F401

from harness import otlp, poll
from harness.backend import BackEnd, numbered
from harness.collector import Collector

# A real outage of two minutes with BELLROCK_LONG=1, a few seconds of it otherwise.
LONG = bool(os.environ.get("BELLROCK_LONG"))
AWAY_S = 120.0 if LONG else 3.0
PADDING_BYTES = 20_000

AGENT = """
receivers:
  otlp: {protocols: {http: {endpoint: '{http}'}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 400}
  batch: {send_batch_size: 1}
exporters:
  otlphttp: {endpoint: BACKEND, timeout: 1s, QUEUE, retry_on_failure: {initial_interval: 50ms, max_interval: 200ms}}
extensions:
  health_check: {endpoint: '{health}'}
service:
  extensions: [health_check]
  pipelines:
    logs: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlphttp]}
"""


def agent_of(backend, folder, queue="sending_queue: {num_consumers: 1}"):
    return Collector(folder, AGENT.replace("BACKEND", backend.url()).replace("QUEUE", queue))


def bytes_on_disk(folder):
    return sum(file.stat().st_size for file in pathlib.Path(folder).rglob("*") if file.is_file())


def health(agent):
    return requests.get(agent.url("health", "/"), timeout=5)


def send(agent, session, number, padding=PADDING_BYTES):
    return otlp.post(agent, "logs", numbered("away", number, padding), timeout=20)


def test_a_back_end_that_is_away_for_long(tmp_path):
    backend = BackEnd()
    agent = agent_of(backend, tmp_path / "agent").start()
    try:
        sent, began, sizes = 0, time.monotonic(), []
        session = requests.Session()
        while time.monotonic() - began < AWAY_S or sent < 200:
            assert send(agent, session, sent).status_code == 200
            sent += 1
            if sent % 100 == 0:
                sizes.append(bytes_on_disk(tmp_path / "agent" / "data" / "queues"))
        sizes.append(bytes_on_disk(tmp_path / "agent" / "data" / "queues"))
        # Files of the log grow in steps.
        assert sizes == sorted(sizes) and sizes[-1] >= sent * PADDING_BYTES * 0.9
        grown = agent.memory_kib()
        exporter = health(agent).json()["components"]["exporters.otlphttp"]
        assert exporter["status"] == "StatusRecoverableError" and "refused" in exporter["error"]
        print(f"\nthe back end was away for {time.monotonic() - began:.0f} s: {sent} requests, {sizes[-1] >> 20} MiB on disk, RSS {grown >> 10} MiB")

        back = time.monotonic()
        with backend:
            poll.until("the queue is drained", lambda: len(backend.bodies()) >= sent, deadline_s=60 + AWAY_S)
            print(f"drained in {time.monotonic() - back:.1f} s")
            assert backend.bodies() == [f"record {number}" for number in range(sent)], "each once and in order"
            poll.until("all is well", lambda: health(agent).json()["components"]["exporters.otlphttp"]["status"] == "StatusOK")
            emptied = 9 << 20
            poll.until("room on the disk", lambda: bytes_on_disk(tmp_path / "agent" / "data" / "queues") < emptied)
        assert "panicked at" not in agent.log()
    finally:
        agent.terminate()


def test_a_disk_that_fills_up_while_a_queue_grows(small_disk):  # noqa: F811
    backend = BackEnd()
    agent = agent_of(backend, small_disk / "agent").start()
    filler = small_disk / "filler"
    try:
        acknowledged = []
        session = requests.Session()

        def post(number):
            answer = send(agent, session, number)
            if answer.status_code == 200:
                acknowledged.append(number)
            return answer

        for number in range(50):
            assert post(number).status_code == 200
        with open(filler, "wb") as file:
            try:
                while file.write(bytes(1 << 20)):
                    file.flush()
            except OSError:
                pass
        numbers = iter(range(50, 100_000))

        def refused():
            answer = post(next(numbers))
            return [answer] if answer.status_code != 200 else None

        (answer,) = poll.until("the refusal", refused, deadline_s=30, every_s=0)
        assert answer.status_code == 503, answer.content
        assert int(answer.headers["Retry-After"]) >= 1
        assert b"queue" in answer.content
        print(f"\nfull after {len(acknowledged)}: {answer.content!r}")
        # A restart with a full disk keeps what was acknowledged.
        agent.kill()
        filler.unlink()
        agent.start()
        poll.until("room", lambda: post(next(numbers)).status_code == 200)
        with backend:
            wanted = {f"record {number}" for number in acknowledged}
            poll.until("all that was acknowledged", lambda: wanted <= set(backend.bodies()), deadline_s=30)
            texts = backend.bodies()
        assert len(texts) == len(set(texts)) == len(wanted), "nothing that was refused, and nothing twice"
        assert "panicked at" not in agent.log()
    finally:
        agent.terminate()


@pytest.mark.parametrize("queued", [True, False], ids=["queue", "no queue"])
def test_a_back_end_that_reads_slowly(tmp_path, queued):
    """It takes connections, and does not read what comes over them."""
    backend = BackEnd()
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", backend.port))
    listener.listen(64)
    queue = "sending_queue: {num_consumers: 4}" if queued else "sending_queue: {enabled: false}"
    agent = agent_of(backend, tmp_path / "agent", queue)
    if not queued:
        agent.config.write_text(agent.config.read_text().replace("max_interval: 200ms", "max_interval: 200ms, max_elapsed_time: 1500ms"))
    agent.start()
    try:
        session = requests.Session()
        count, size = (20, 1 << 20) if queued else (1, 8 << 20)
        answers = [send(agent, session, number, size) for number in range(count)]
        if queued:
            assert {answer.status_code for answer in answers} == {200}
        else:
            assert (answers[0].status_code, int(answers[0].headers["Retry-After"]) >= 1) == (503, True), answers[0].content
            assert b"no answer within 1s" in answers[0].content
        poll.until("the exporter says so", lambda: health(agent).json()["components"]["exporters.otlphttp"]["status"] == "StatusRecoverableError")
        # It is still there, and small: what waits is on disk.
        assert agent.memory_kib() < 250_000, agent.memory_kib()
        listener.close()
        with backend:
            if not queued:
                poll.until("the sender's next try", lambda: send(agent, session, 0, size).status_code == 200)
            wanted = {f"record {number}" for number in range(count)}
            poll.until("all records", lambda: set(backend.bodies()) == wanted, deadline_s=30)
    finally:
        listener.close()
        agent.terminate()


LIMITED = """
receivers:
  otlp: {protocols: {http: {endpoint: '{http}'}, grpc: {endpoint: '{grpc}'}}}
processors:
  memory_limiter: {check_interval: 1s, limit_mib: LIMIT, spike_limit_mib: SPIKE}
  batch: {}
exporters:
  otlphttp: {endpoint: BACKEND, timeout: 60s, sending_queue: {enabled: false}}
service:
  pipelines:
    logs: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlphttp]}
"""
LIMIT_MIB, SPIKE_MIB = 200, 80


def test_overload_stays_below_the_memory_limit(tmp_path):
    """Sixty senders of four megabytes each, and a back end that holds them up."""
    backend, slow = BackEnd(), threading.Event()
    backend.answer = lambda signal, request: None if slow.wait(30) else 503
    yaml = LIMITED.replace("BACKEND", backend.url()).replace("LIMIT", str(LIMIT_MIB), 1).replace("SPIKE", str(SPIKE_MIB))
    agent = Collector(tmp_path / "agent", yaml).start()
    body = otlp.logs("heavy", *({"body": "record", "attributes": {"padding": "x" * 4000}} for _ in range(1000))).SerializeToString()
    answers, lock, over = [], threading.Lock(), threading.Event()

    def client():
        while not over.is_set():
            try:
                answer = otlp.post(agent, "logs", body, timeout=60)
            except requests.RequestException as error:
                answer = error
            with lock:
                answers.append(answer)
            if getattr(answer, "status_code", None) != 200:
                over.wait(0.05)

    threads = [threading.Thread(target=client, daemon=True) for _ in range(60)]
    highest = 0
    try:
        with backend:
            for thread in threads:
                thread.start()

            def overloaded():
                nonlocal highest
                highest = max(highest, agent.memory_kib())
                with lock:
                    return sum(getattr(answer, "status_code", 0) == 503 for answer in answers) >= 200

            poll.until("refusals", overloaded, deadline_s=40, every_s=0.02)
            slow.set()
            over.set()
            for thread in threads:
                thread.join(60)
            refused = [answer for answer in answers if answer.status_code != 200]
            assert {answer.status_code for answer in refused} == {503}
            assert all(int(answer.headers["Retry-After"]) >= 1 for answer in refused)
            print(f"\n{len(answers)} answers, {len(refused)} refused, highest RSS {highest >> 10} MiB of {LIMIT_MIB}; {refused[0].content!r}")
            assert highest >> 10 <= LIMIT_MIB, f"{highest >> 10} MiB"
            poll.until("it takes again", lambda: otlp.post(agent, "logs", numbered("after", 0)).status_code == 200)
            assert "record 0" in backend.bodies()
    finally:
        over.set()
        slow.set()
        agent.terminate()
