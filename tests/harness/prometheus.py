"""A real Prometheus beside the server, to compare answers with."""

import pathlib
import shutil
import signal
import subprocess

import requests

from harness import poll
from harness.server import free_port

MISSING = "prometheus is not installed; `apt-get install prometheus` brings it and promtool"


def installed():
    return shutil.which("prometheus") is not None and shutil.which("promtool") is not None


class Prometheus:
    """Ends only the process that it started."""

    def __init__(self, folder, config="", features=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = self.folder / "prometheus.yml"
        self.config.write_text(config or "global: {}\n")
        self.log_path = self.folder / "prometheus.log"
        # Added to `--enable-feature`.
        self.features = ["promql-per-step-stats", *features]
        self.process = None

    def __enter__(self):
        command = [
            "prometheus",
            f"--config.file={self.config}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--web.enable-remote-write-receiver",
            f"--enable-feature={','.join(self.features)}",
            "--log.level=warn",
        ]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        poll.until("Prometheus is ready", self.is_ready, deadline_s=30, every_s=0.02)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"Prometheus ended with {self.process.returncode}:\n{self.log_path.read_text()}")
        try:
            return requests.get(self.url + "/-/ready", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def query(self, promql):
        """Labels and value of every series of an instant query."""
        answer = requests.get(self.url + "/api/v1/query", params={"query": promql}, timeout=10)
        answer.raise_for_status()
        return [(series["metric"], float(series["value"][1])) for series in answer.json()["data"]["result"]]

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def promtool(*arguments, deadline_s=20):
    """What promtool prints, and with which code it ends."""
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=deadline_s, check=False)
    return done.returncode, done.stdout, done.stderr


def promtool_check(text):
    """What `promtool check metrics` says of an exposition: only what does not parse counts, not its taste."""
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=20, check=False)
    return (1 if "error while linting" in done.stderr else 0), done.stdout, done.stderr
