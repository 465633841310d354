"""One real server process on free loopback ports and a data directory of its own."""

import os
import pathlib
import signal
import socket
import subprocess

import requests

from harness import poll

# Below the range that Linux hands out to outgoing connections, so that a port stays free over a restart.
_PORTS = iter(range(21000 + (os.getpid() * 37) % 8000, 32000))

FACES = ("otlp_grpc", "otlp_http", "api", "ui", "health", "metrics", "alertmanager")


def free_port():
    for port in _PORTS:
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port left")


def binary():
    path = os.environ.get("BELLROCK_BIN", "")
    if not path or not os.access(path, os.X_OK):
        raise RuntimeError(f"BELLROCK_BIN must name the server binary, it is {path!r}")
    return path


class Server:
    """Ends only the process that it started."""

    def __init__(self, folder, ready_s=30.0, hosts=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.data_dir = self.folder / "data"
        self.log_path = self.folder / "server.log"
        self.ports = {face: free_port() for face in FACES}
        # Where a face listens when that is not loopback alone.
        self.hosts = hosts or {}
        self.ready_s = ready_s
        self.process = None

    def url(self, face, path=""):
        return f"http://127.0.0.1:{self.ports[face]}{path}"

    def command(self, *more):
        listen = [
            f"--{face.replace('_', '-')}-listen={self.hosts.get(face, '127.0.0.1')}:{port}"
            for face, port in self.ports.items()
        ]
        return [binary(), "serve", f"--data-dir={self.data_dir}", *listen, *more]

    def spawn(self, *more):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(*more), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder
            )

    def start(self, *more):
        self.spawn(*more)
        poll.until("the server is ready", self.is_ready, self.ready_s, every_s=0.02)
        return self

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.log()}")
        try:
            return requests.get(self.url("health", "/ready"), timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def kill(self):
        """SIGKILL: what was not synced is gone."""
        if self.alive():
            self.process.kill()
            self.process.wait()

    def terminate(self, deadline_s=20.0):
        """SIGTERM; the exit code, or None when it had to be killed at the deadline."""
        if not self.alive():
            return self.process.returncode if self.process else None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def memory_kib(self, field="VmRSS"):
        """`VmRSS` is now, `VmHWM` the highest so far."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise RuntimeError(f"no {field} in /proc")

    def __enter__(self):
        """Starts it, unless it was started with arguments of its own."""
        return self if self.alive() else self.start()

    def __exit__(self, *_):
        self.terminate()
