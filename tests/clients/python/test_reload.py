"""A server whose pipelines are replaced while clients send: by `POST /-/reload` and by SIGHUP. Nobody is refused, nothing is lost."""

import signal
import threading
import time

import requests

from harness import otlp, poll
from harness.api import Api
from harness.server import Server, free_port

CONFIG = """
receivers:
  otlp: {protocols: {http: {endpoint: '127.0.0.1:HTTP'}, grpc: {endpoint: '127.0.0.1:GRPC'}}}
MORE
processors:
  batch: {timeout: 50ms}
  resource: {attributes: [{key: generation, value: "VALUE", action: upsert}]}
exporters:
  bellrock: {}
service:
  pipelines:
    logs: {receivers: [NAMES], processors: [resource, batch], exporters: [bellrock]}
"""


class Sender(threading.Thread):
    """Sends one numbered record after another over one connection."""

    def __init__(self, server, name, stop):
        super().__init__(daemon=True)
        self.server, self.service, self.stop = server, name, stop
        self.sent, self.refused = 0, []

    def run(self):
        session = requests.Session()
        url, headers = self.server.url("otlp_http", "/v1/logs"), {"Content-Type": otlp.PROTOBUF}
        while not self.stop.is_set():
            record = {"time_unix_nano": time.time_ns(), "severity_number": 9, "body": f"record {self.sent}"}
            body = otlp.logs(self.service, record).SerializeToString()
            try:
                answer = session.post(url, data=body, headers=headers, timeout=20)
                if answer.status_code != 200:
                    self.refused.append((self.sent, answer.status_code, answer.content))
            except requests.ConnectionError:
                # A connection that the old graph closed between two requests, as HTTP lets it: nothing was taken, it is sent again.
                continue
            self.sent += 1


def test_pipelines_are_replaced_under_load(tmp_path):
    server, extra, stop = Server(tmp_path / "server"), free_port(), threading.Event()
    path = server.folder / "bellrock.yaml"

    def write(generation, more=False):
        text = CONFIG.replace("HTTP", str(server.ports["otlp_http"])).replace("GRPC", str(server.ports["otlp_grpc"]))
        second = f"  otlp/second: {{protocols: {{http: {{endpoint: '127.0.0.1:{extra}'}}}}}}" if more else ""
        text = text.replace("MORE", second).replace("NAMES", "otlp, otlp/second" if more else "otlp")
        path.write_text(text.replace("VALUE", f"g{generation}"))

    def reload(by_signal):
        if not by_signal:
            return requests.post(server.url("api", "/-/reload"), timeout=30)
        before = server.log().count("the configuration is reloaded")
        server.process.send_signal(signal.SIGHUP)
        poll.until("the reload", lambda: server.log().count("the configuration is reloaded") > before, deadline_s=20)
        return None

    write(0)
    server.start(f"--config={path}")
    senders = [Sender(server, f"reload-{n}", stop) for n in range(3)]
    try:
        for sender in senders:
            sender.start()
        for generation in range(1, 9):
            sent = [sender.sent for sender in senders]
            # A port comes and goes with every second generation.
            write(generation, more=generation % 2 == 1)
            answer = reload(by_signal=generation % 3 == 0)
            assert answer is None or answer.status_code == 200, answer.text
            if generation % 2:
                body = otlp.logs("reload-extra", {"body": f"extra {generation}"}).SerializeToString()
                url = f"http://127.0.0.1:{extra}/v1/logs"
                assert requests.post(url, data=body, headers={"Content-Type": otlp.PROTOBUF}, timeout=10).status_code == 200
            poll.until("all go on", lambda before=sent: all(s.sent > b for s, b in zip(senders, before)))

        # What is wrong is said with its line, and the old graph stays.
        good = path.read_text()
        path.write_text(good.replace("action: upsert", "action: upsrt"))
        answer = requests.post(server.url("api", "/-/reload"), timeout=30)
        assert answer.status_code >= 400 and "did you mean `upsert`" in answer.text and "bellrock.yaml:7" in answer.text, answer.text
        path.write_text(good)
        sent = [sender.sent for sender in senders]
        poll.until("all go on", lambda: all(s.sent > before for s, before in zip(senders, sent)))
        stop.set()
        for sender in senders:
            sender.join(30)

        assert [sender.refused for sender in senders] == [[], [], []]
        api = Api(server.url("api"))
        for sender in senders:

            def complete(sender=sender):
                found = [log["body"]["stringValue"] for log in api.all_pages("logs", q=f"service:{sender.service}", limit=1000)]
                missing = {f"record {n}" for n in range(sender.sent)} - set(found)
                assert not missing, sorted(missing)[:10]
                return True

            poll.until(f"all of {sender.service}", complete)
        logs = [log for log in api.all_pages("logs", q="service:reload-0", limit=1000)]
        generations = {a["value"]["stringValue"] for log in logs for a in log["resource"]["attributes"] if a["key"] == "generation"}
        assert generations >= {f"g{n}" for n in range(9)}, generations
        print(f"\n9 reloads, {sum(s.sent for s in senders)} requests, none refused, none lost")
        assert "panicked at" not in server.log()
    finally:
        stop.set()
        server.terminate()


def test_a_stop_that_comes_during_a_reload_is_kept(tmp_path):
    for number in range(4):
        server = Server(tmp_path / f"server-{number}").start()
        server.process.send_signal(signal.SIGHUP)
        assert server.terminate() == 0, server.log()[-3000:]


SCRAPING = """
receivers:
  otlp: {protocols: {http: {endpoint: '127.0.0.1:HTTP'}, grpc: {endpoint: '127.0.0.1:GRPC'}}}
  prometheus:
    config:
      scrape_configs:
        - job_name: own
          scrape_interval: 200ms
          scrape_timeout: 200ms
          static_configs: [{targets: ['127.0.0.1:METRICS', '127.0.0.1:1']}]
processors:
  batch: {timeout: 50ms}
exporters:
  bellrock: {}
service:
  pipelines:
    metrics: {receivers: [NAMES], processors: [batch], exporters: [bellrock]}
"""


def test_targets_of_a_collectors_receiver_are_shown_and_go_with_it(tmp_path):
    config = tmp_path / "otel.yaml"
    server = Server(tmp_path)
    ports = {"HTTP": server.ports["otlp_http"], "GRPC": server.ports["otlp_grpc"], "METRICS": server.ports["metrics"]}

    def write(names):
        text = SCRAPING.replace("NAMES", names)
        for key, port in ports.items():
            text = text.replace(key, str(port))
        config.write_text(text)

    def targets():
        answer = requests.get(server.url("api", "/api/v1/targets"), timeout=10).json()
        return {t["scrapeUrl"].split("/")[2]: (t["scrapePool"], t["health"], t["lastError"]) for t in answer["data"]["activeTargets"]}

    write("otlp, prometheus")
    with server.start(f"--config={config}"):
        own, away = f"127.0.0.1:{ports['METRICS']}", "127.0.0.1:1"
        poll.until("both targets were scraped", lambda: {h for _, h, _ in targets().values()} == {"up", "down"}, 20)
        found = targets()
        assert found[own] == ("own", "up", "") and found[away][:2] == ("own", "down") and "refused" in found[away][2], found
        assert server.log().count("a target cannot be scraped") == 1
        # A pipeline without it has no targets.
        write("otlp")
        assert requests.post(server.url("api", "/-/reload"), timeout=30).status_code == 200
        assert targets() == {}
