"""An agent in front of a server: nothing that the agent acknowledged is lost when either is killed at any moment."""

import os
import random
import threading
import time

import requests
from test_kill import SHOWN, Logs, Spans

from harness import otlp, poll
from harness.api import Api
from harness.collector import Collector
from harness.server import Server

ROUNDS = 14

AGENT = """
receivers:
  otlp:
    protocols: {http: {endpoint: '{http}'}, grpc: {endpoint: '{grpc}'}}
processors:
  resource: {attributes: [{key: agent, value: one, action: upsert}]}
exporters:
  otlp: {endpoint: 'http://GRPC', timeout: 2s, RETRY}
  otlphttp: {endpoint: 'http://HTTP', timeout: 2s, RETRY}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [resource], exporters: [otlp]}
    logs: {receivers: [otlp], processors: [resource], exporters: [otlphttp]}
"""


def agent_of(server, folder, queue=""):
    text = AGENT.replace("timeout: 2s,", f"timeout: 2s, {queue}")
    text = text.replace("GRPC", f"127.0.0.1:{server.ports['otlp_grpc']}")
    text = text.replace("HTTP", f"127.0.0.1:{server.ports['otlp_http']}")
    return Collector(folder, text.replace("RETRY", "retry_on_failure: {initial_interval: 50ms, max_interval: 500ms}"))


def test_nothing_is_lost_by_sigkill_of_either(tmp_path):
    seed = int(os.environ.get("BELLROCK_SEED", time.time_ns() % 2**32))
    print(f"\nBELLROCK_SEED={seed}")
    generator, stop = random.Random(seed), threading.Event()
    server = Server(tmp_path / "server").start()
    agent = agent_of(server, tmp_path / "agent").start()
    clients = [kind(agent, stop, f"{kind.signal}{n}") for kind in (Spans, Logs) for n in range(2)]
    try:
        for client in clients:
            client.start()
        for number in range(ROUNDS):
            time.sleep(generator.uniform(0.05, 1.0))
            victim = (server, agent)[number % 2]
            victim.kill()
            # The agent takes requests while the server is down.
            time.sleep(generator.uniform(0.0, 0.5))
            victim.start()
        stop.set()
        for client in clients:
            client.join(30)
        api = Api(server.url("api"))
        for client in clients:
            assert client.unexpected == [], f"{client.name}: {client.unexpected[:SHOWN]}"
            assert len(client.acknowledged) >= ROUNDS, f"{client.name} hardly sent anything, the test shows nothing"

            def all_kept(client=client):
                missing = sorted(client.acknowledged - client.kept(api))
                assert not missing, f"{client.name}: {len(missing)} acknowledged and lost, such as {missing[:SHOWN]}"
                return True

            poll.until(f"all of {client.name}", all_kept, deadline_s=30, every_s=1)
        told = ", ".join(f"{client.name} {len(client.acknowledged)}/{client.next}" for client in clients)
        print(f"{ROUNDS} kills; acknowledged/sent: {told}")
        for log in (server.log(), agent.log()):
            assert "panicked at" not in log, log[-4000:]
    finally:
        stop.set()
        agent.kill()
        server.kill()


def test_a_queue_drains_in_order_after_the_server_was_away(tmp_path):
    server = Server(tmp_path / "server")
    agent = agent_of(server, tmp_path / "agent", "sending_queue: {num_consumers: 1},").start()
    try:
        now = time.time_ns()
        for number in range(200):
            request = otlp.logs("away", {"time_unix_nano": now + number, "severity_number": 9, "body": f"record {number}"})
            assert otlp.post(agent, "logs", request.SerializeToString()).status_code == 200
        # A restart in between: what waits is on disk.
        agent.kill()
        agent.start()
        server.start()
        logs = Api(server.url("api")).logs("service:away", 200)
        assert {log["body"]["stringValue"] for log in logs} == {f"record {number}" for number in range(200)}
        assert agent.terminate() == 0, agent.log()
    finally:
        agent.kill()
        server.terminate()


def test_a_reload_refuses_nobody(tmp_path):
    server = Server(tmp_path / "server").start()
    agent = agent_of(server, tmp_path / "agent").start()
    stop = threading.Event()
    client = Logs(agent, stop, "reloaded")
    try:
        client.start()
        session = requests.Session()
        for number in range(6):
            agent.config.write_text(agent.config.read_text().replace("value: ", "value: x"))
            before = agent.log().count("the configuration is reloaded")
            agent.process.send_signal(1)
            poll.until("the reload", lambda: agent.log().count("the configuration is reloaded") > before, deadline_s=20)
            assert session.get(server.url("health", "/ready"), timeout=5).status_code == 200
        agent.config.write_text("receivers: {otpl: {}}\nservice: {pipelines: {logs: {receivers: [otpl], exporters: []}}}\n")
        agent.process.send_signal(1)
        poll.until("the refusal", lambda: "did you mean `otlp`" in agent.log(), deadline_s=20)
        stop.set()
        client.join(30)
        assert client.unexpected == [] and client.refused == 0
        # Every request was answered: nothing that was sent was cut off.
        assert len(client.acknowledged) == client.next and client.next > 20
        poll.until("all records", lambda: client.kept(Api(server.url("api"))) >= client.acknowledged, deadline_s=30)
    finally:
        stop.set()
        agent.terminate()
        server.terminate()
