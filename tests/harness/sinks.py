"""Receivers of messages that behave badly, each on a port of its own, and well again when they are told to."""

import contextlib
import http.server
import json
import socket
import ssl
import subprocess
import threading
import time

from harness.server import free_port


class Sink:
    """`answer(request)` says status and headers, or None: then nothing is ever answered. `good` makes every answer 200."""

    def __init__(self, answer, tls=None):
        self.port = free_port()
        self.scheme = "https" if tls else "http"
        self.answer = answer
        self.good = False
        self.asked_at = []
        self.requests = []
        self.received = []
        self._held = threading.Event()
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                sink.asked_at.append(time.monotonic())
                sink.requests.append((self.path, dict(self.headers), body))
                found = (200, {}) if sink.good else sink.answer(len(sink.asked_at))
                if found is None:
                    sink._held.wait(120)
                    self.close_connection = True
                    return
                status, headers = found
                if status == 200:
                    sink.received.append(json.loads(body))
                text = headers.pop("body", b"")
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_PUT = do_GET = do_POST

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", self.port), Handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}/hook"

    def heal(self):
        self.good = True
        self._held.set()

    def told(self):
        """(status, instances that fire) of every message."""
        fires = lambda m: sorted(a["labels"].get("i", "") for a in m["alerts"] if a["status"] == "firing")  # noqa: E731
        return [(m["status"], fires(m)) for m in self.received]

    def close(self):
        self._held.set()
        self.server.shutdown()
        self.server.server_close()


def healthy():
    return Sink(lambda _: (200, {}))


def silent():
    """Takes the request and never answers."""
    return Sink(lambda _: None)


def storming():
    return Sink(lambda _: (500, {"body": b"out of order"}))


def limiting(seconds, times=1):
    """Asks to be left alone, so many times."""
    return Sink(lambda n: (429, {"Retry-After": str(seconds)}) if n <= times else (200, {}))


def self_signed(folder):
    """TLS with a certificate that nobody vouches for."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    return Sink(lambda _: (200, {}), tls=(certificate, key))


class Mute:
    """A port that takes connections and never says a word, as a mail server that hangs."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.held = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.held.append(self.socket.accept()[0])

    def close(self):
        # `shutdown` wakes the thread that accepts.
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        for s in [self.socket, *self.held]:
            s.close()


@contextlib.contextmanager
def closing(*sinks):
    try:
        yield sinks
    finally:
        for sink in sinks:
            sink.close()


def nobody_listens():
    """A port that refuses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
