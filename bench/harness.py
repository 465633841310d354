"""What every benchmark here needs: a server in a folder of its own, its CPU time and memory, an HTTP client.

Python's standard library only.
"""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench/results"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
READY_DEADLINE_S = 60
SETTLE_DEADLINE_S = 120


def say(text):
    print(text, file=sys.stderr, flush=True)


def free_ports(count):
    """Ports that nobody listens on; held together, so that they differ."""
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


class Process:
    """A server under test with its data folder; ended with it, whatever happens."""

    def __init__(self, command, data_dir, is_ready):
        self.data_dir = pathlib.Path(data_dir)
        self.log = open(self.data_dir.with_suffix(".log"), "wb")
        begun = time.monotonic()
        self.process = subprocess.Popen([str(word) for word in command], stdout=self.log, stderr=subprocess.STDOUT)
        try:
            self._wait(is_ready)
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.monotonic() - begun

    def _wait(self, is_ready):
        deadline = time.monotonic() + READY_DEADLINE_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"server ended with {self.process.returncode}:\n{self.output()}")
            if is_ready():
                return
            time.sleep(0.002)
        raise RuntimeError(f"server not ready after {READY_DEADLINE_S} s:\n{self.output()}")

    def output(self):
        return pathlib.Path(self.log.name).read_text(errors="replace")[-4000:]

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def memory_mib(self, key):
        """VmRSS (now) or VmHWM (most so far)."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) / 1024
        raise RuntimeError(f"no {key}")

    def settle(self):
        """Waits until a second passes with less than 5 % of a core, so that background work is counted."""
        deadline = time.monotonic() + SETTLE_DEADLINE_S
        before = self.cpu_seconds()
        while time.monotonic() < deadline:
            time.sleep(1)
            now = self.cpu_seconds()
            if now - before < 0.05:
                return
            before = now
        say("  still busy after the deadline; counting goes on without waiting")

    def kill(self):
        """Ends it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Ends it in order (SIGTERM), or by force after a minute; returns whether it went in order."""
        in_order = True
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                in_order = False
                self.process.kill()
                self.process.wait()
        self.log.close()
        return in_order


def answers_200(port, path):
    """Whether a server answers `path` with 200."""

    def probe():
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", path)
            return connection.getresponse().status == 200
        except OSError:
            return False

    return probe


class Server(Process):
    """One `bellrock serve`."""

    LISTENERS = ["otlp-grpc", "otlp-http", "api", "ui", "health", "metrics"]

    def __init__(self, binary, data_dir, extra=()):
        self.ports = dict(zip(self.LISTENERS, free_ports(len(self.LISTENERS))))
        command = [binary, "serve", "--data-dir", data_dir]
        for name, port in self.ports.items():
            command += [f"--{name}-listen", f"127.0.0.1:{port}"]
        super().__init__(command + list(extra), data_dir, answers_200(self.ports["health"], "/ready"))


def folder_bytes(folder, leave_out=None):
    """Bytes of all files below, but for folders of one name."""
    total = 0
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != leave_out]
        total += sum(os.lstat(os.path.join(here, name)).st_size for name in names)
    return total


def disk(data_dir):
    """Bytes of the write-ahead log, and of everything else."""
    wal = rest = 0
    for folder, _, names in os.walk(data_dir):
        inside_wal = "wal" in pathlib.Path(folder).relative_to(data_dir).parts
        for name in names:
            size = os.lstat(os.path.join(folder, name)).st_size
            if inside_wal or name.endswith(".wal"):
                wal += size
            else:
                rest += size
    return wal, rest


def drop_page_cache(folder):
    """Asks the system to forget the files, so that the next read goes to the disk."""
    os.sync()
    for here, _, names in os.walk(folder):
        for name in names:
            descriptor = os.open(os.path.join(here, name), os.O_RDONLY)
            try:
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(descriptor)


def load(options, server, signal_name, records, *further, port="otlp-http"):
    """Sends the bench data set to a server; returns what `loadgen ingest` measured."""
    command = [
        options.loadgen, "ingest", "--signal", signal_name, "--records", records,
        "--endpoint", f"http://127.0.0.1:{server.ports[port]}", "--end", options.end_ns, *further,
    ]
    command = [str(word) for word in command]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}\nserver:\n{server.output()}")
    return json.loads(done.stdout)


class Api:
    """A keep-alive connection to the query API."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)

    def get(self, path, **parameters):
        """Status, decoded JSON (or None) and milliseconds until the last byte."""
        target = path + ("?" + urllib.parse.urlencode(parameters) if parameters else "")
        begun = time.perf_counter()
        self.connection.request("GET", target)
        answer = self.connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - begun) * 1e3
        try:
            return answer.status, json.loads(body), took
        except ValueError:
            return answer.status, None, took


def machine():
    model = "unknown CPU"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}"


def commit():
    def git(*arguments):
        return subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True).stdout.strip()

    return git("rev-parse", "--short=12", "HEAD") + (" with local changes" if git("status", "--porcelain") else "")


def thousands(n):
    return f"{n:,.0f}"


def parser(description, quick):
    """The arguments that every benchmark takes; `quick` says what `--quick` makes smaller."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--server", type=pathlib.Path, default=ROOT / "target/release/bellrock")
    made.add_argument("--loadgen", type=pathlib.Path, default=ROOT / "target/release/loadgen")
    made.add_argument("--quick", action="store_true", help=quick)
    made.add_argument("--scratch", type=pathlib.Path, help="folder for data; on the disk that is to be measured")
    return made


def parse(made):
    """The arguments as given, once the binaries are known to exist."""
    options = made.parse_args()
    for binary in (options.server, options.loadgen):
        if not binary.exists():
            made.error(f"{binary} does not exist; build it with cargo build --release")
    return options


@contextlib.contextmanager
def scratch_folder(options):
    """A folder that is gone afterwards; beside the results and not in /tmp, which is memory on some machines."""
    parent = options.scratch or RESULTS
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="scratch-", dir=parent) as scratch:
        yield pathlib.Path(scratch)


def publish(text, started, options, what=""):
    """Prints a report and writes it to the results, named by day and kind."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / f"{started:%Y-%m-%d}{what}{'-quick' if options.quick else ''}.md"
    file.write_text(text)
    print(text)
    say(f"written to {file.relative_to(ROOT)}")
