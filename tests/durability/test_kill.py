"""Nothing acknowledged is lost when the process is killed at any moment.

Clients send numbered spans, logs and samples while the server is ended with SIGKILL at random moments and started
again on the same data. Afterwards every record that was acknowledged is there, at least once. SIGKILL leaves the
page cache alone: what a power cut does to unsynced writes is tested in the crates, on a disk that forgets them.
"""

import os
import random
import threading
import time

import requests

from harness import otlp, poll
from harness.api import Api
from harness.server import Server

ROUNDS_MIN = 20
SENDING_S = 30.0
# The kills may take longer than planned on a slow machine; past this the test fails instead of hanging.
TOTAL_MAX_S = 150.0
SPANS_PER_REQUEST = 3
LOGS_PER_REQUEST = 5
# Wrong numbers shown when records are missing.
SHOWN = 20


class Client(threading.Thread):
    """Sends one numbered request after another and remembers those that were acknowledged."""

    def __init__(self, server, stop, name):
        super().__init__(name=name, daemon=True)
        self.server, self.stop = server, stop
        self.acknowledged = set()
        self.refused = 0
        self.unexpected = []
        self.next = 0

    def run(self):
        while not self.stop.is_set():
            number, self.next = self.next, self.next + 1
            body = self.request(number).SerializeToString()
            try:
                answer = otlp.post(self.server, self.signal, body, timeout=10)
            except requests.RequestException:
                # Killed under way, or not up again: neither is an acknowledgement.
                self.stop.wait(0.01)
                continue
            if answer.status_code == 200:
                if otlp.RESPONSES[self.signal].FromString(answer.content).HasField("partial_success"):
                    self.unexpected.append((number, "partial success"))
                self.acknowledged.add(number)
            elif answer.status_code in (429, 503):
                self.refused += 1
                self.stop.wait(0.05)
            else:
                self.unexpected.append((number, answer.status_code, answer.content[:200]))


class Spans(Client):
    """Each request is one trace, whose id says client and number."""

    signal = "traces"

    def trace_id(self, number):
        return self.name.encode().ljust(8, b"-")[:8] + number.to_bytes(8)

    def request(self, number):
        now = time.time_ns()
        return otlp.traces(
            self.name,
            *(
                {
                    "trace_id": self.trace_id(number),
                    "span_id": (number * SPANS_PER_REQUEST + place + 1).to_bytes(8),
                    "parent_span_id": b"" if place == 0 else (number * SPANS_PER_REQUEST + 1).to_bytes(8),
                    "name": f"step {place}",
                    "kind": 2 if place == 0 else 1,
                    "start_time_unix_nano": now + place,
                    "end_time_unix_nano": now + 1_000_000,
                    "attributes": {"number": number},
                }
                for place in range(SPANS_PER_REQUEST)
            ),
        )

    def kept(self, api):
        by_id = {self.trace_id(number).hex(): number for number in range(self.next)}
        traces = api.all_pages("traces", q=f"service:{self.name}", limit=1000)
        return {by_id[trace["trace_id"]] for trace in traces if trace["span_count"] >= SPANS_PER_REQUEST}


class Logs(Client):
    """Each request holds a few records; a request is kept when all of them are."""

    signal = "logs"

    def request(self, number):
        now = time.time_ns()
        return otlp.logs(
            self.name,
            *(
                {"time_unix_nano": now + place, "severity_number": 9, "body": f"record {number}.{place}"}
                for place in range(LOGS_PER_REQUEST)
            ),
        )

    def kept(self, api):
        places = {}
        for log in api.all_pages("logs", q=f"service:{self.name}", limit=1000):
            number, place = log["body"]["stringValue"].removeprefix("record ").split(".")
            places.setdefault(int(number), set()).add(place)
        return {number for number, found in places.items() if len(found) == LOGS_PER_REQUEST}


class Samples(Client):
    """Each request is one sample of one series, at a millisecond of its own; its value is the number."""

    signal = "metrics"
    last_milli = 0

    def request(self, number):
        self.last_milli = max(self.last_milli + 1, time.time_ns() // 1_000_000)
        return otlp.gauge(self.name, "durability.number", ({}, self.last_milli * 1_000_000, float(number)))

    def kept(self, api):
        answer = api.json("/api/v1/query", query=f'durability_number{{service="{self.name}"}}[1h]')
        return {int(float(value)) for series in answer["data"]["result"] for _, value in series["values"]}


def kill_and_restart(server, generator, clients):
    """At least so many rounds over at least so long; returns how many there were."""
    started, rounds = time.monotonic(), 0
    while rounds < ROUNDS_MIN or time.monotonic() - started < SENDING_S:
        assert time.monotonic() - started < TOTAL_MAX_S, f"only {rounds} rounds in {TOTAL_MAX_S} s"
        before = sum(len(client.acknowledged) for client in clients)
        # Mostly in the middle of the work, sometimes right after the start, while the log is replayed.
        time.sleep(generator.choice([0.0, 0.02, 0.1, generator.uniform(0.2, 1.2), generator.uniform(0.2, 1.2)]))
        server.kill()
        rounds += 1
        server.start()
        print(f"round {rounds}: {sum(len(client.acknowledged) for client in clients) - before} acknowledged")
    return rounds


def test_nothing_acknowledged_is_lost_by_sigkill(tmp_path):
    seed = int(os.environ.get("BELLROCK_SEED", time.time_ns() % 2**32))
    print(f"\nBELLROCK_SEED={seed}")
    stop = threading.Event()
    server = Server(tmp_path / "killed").start()
    clients = [kind(server, stop, f"{kind.signal}{n}") for kind in (Spans, Logs, Samples) for n in range(2)]
    try:
        for client in clients:
            client.start()
        rounds = kill_and_restart(server, random.Random(seed), clients)
        stop.set()
        for client in clients:
            client.join(30)
        server.kill()
        server.start()

        api = Api(server.url("api"))
        for client in clients:
            assert client.unexpected == [], f"{client.name}: {client.unexpected[:SHOWN]}"
            assert len(client.acknowledged) >= rounds, f"{client.name} hardly sent anything, the test shows nothing"

            def all_kept(client=client):
                missing = sorted(client.acknowledged - client.kept(api))
                assert not missing, f"{client.name}: {len(missing)} acknowledged and lost, such as {missing[:SHOWN]}"
                return True

            poll.until(f"all of {client.name}", all_kept, deadline_s=5, every_s=1)
        told = ", ".join(f"{client.name} {len(client.acknowledged)}/{client.next}" for client in clients)
        print(f"{rounds} kills; acknowledged/sent: {told}")
        assert "panicked at" not in server.log(), server.log()[-4000:]
    finally:
        stop.set()
        server.kill()
