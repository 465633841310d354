"""A real Alertmanager beside the server, which hears of alerts."""

import pathlib
import shutil
import signal
import subprocess

import requests

from harness import poll
from harness.server import free_port

MISSING = "alertmanager is not installed; `apt-get install prometheus-alertmanager` brings it and amtool"


def program():
    return shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


class Alertmanager:
    """Ends only the process that it started."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config = self.folder / "alertmanager.yml"
        self.config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        self.log_path = self.folder / "alertmanager.log"
        self.process = None

    def __enter__(self):
        command = [
            program(),
            f"--config.file={self.config}",
            f"--storage.path={self.folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--cluster.listen-address=",
        ]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        poll.until("Alertmanager is ready", self.is_ready, deadline_s=30)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"Alertmanager ended with {self.process.returncode}:\n{self.log_path.read_text()}")
        try:
            return requests.get(self.url + "/-/ready", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def alerts(self):
        answer = requests.get(self.url + "/api/v2/alerts", timeout=10)
        answer.raise_for_status()
        return answer.json()

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
