"""One `bellrock collect` on free loopback ports, with a configuration and a data directory of its own."""

import pathlib
import subprocess

import requests

from harness import poll
from harness.server import binary, free_port


class Collector:
    """Ends only the process that it started. `{http}` and `{grpc}` in the configuration are its ports."""

    def __init__(self, folder, yaml):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log_path = self.folder / "collect.log"
        self.config = self.folder / "otel.yaml"
        self.ports = {"otlp_http": free_port(), "otlp_grpc": free_port(), "health": free_port()}
        self.write(yaml)
        self.process = None

    def write(self, yaml):
        http, grpc, health = (f"127.0.0.1:{self.ports[face]}" for face in ("otlp_http", "otlp_grpc", "health"))
        text = yaml.replace("{http}", http).replace("{grpc}", grpc).replace("{health}", health)
        self.config.write_text(text)

    def url(self, face, path=""):
        return f"http://127.0.0.1:{self.ports[face]}{path}"

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [binary(), "collect", f"--config={self.config}", f"--data-dir={self.folder / 'data'}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )
        poll.until("the collector answers", self.answers, 30, every_s=0.02)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the collector ended with {self.process.returncode}:\n{self.log()}")
        try:
            return requests.post(self.url("otlp_http", "/nothing"), timeout=2).status_code == 404
        except requests.RequestException:
            return False

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def kill(self):
        """SIGKILL."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def terminate(self, deadline_s=30.0):
        """SIGTERM; the exit code."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                return self.process.wait(deadline_s)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode if self.process else None

    def memory_kib(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError("no VmRSS in /proc")
