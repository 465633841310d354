"""A back end of OTLP/HTTP that remembers what it took, and that can be away, slow, or refuse."""

import gzip
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import otlp
from harness.server import free_port


class BackEnd:
    """Takes requests between `start` and `stop`; its port stays the same.

    `answer(signal, request)` says what it answers: a status, or `None` for 200. It may take its time.
    """

    def __init__(self, tls=None):
        self.port = free_port()
        self.tls = tls
        self.answer = lambda signal, request: None
        # (signal, request) in the order of arrival, only those answered with 200.
        self.taken = []
        # The headers of every request, refused ones too.
        self.headers = []
        self.lock = threading.Lock()
        self.server = None

    def url(self):
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def start(self):
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                signal = self.path.rsplit("/", 1)[-1]
                request = otlp.REQUESTS[signal].FromString(body)
                with backend.lock:
                    backend.headers.append(dict(self.headers))
                status = backend.answer(signal, request) or 200
                if status == 200:
                    with backend.lock:
                        backend.taken.append((signal, request))
                self.send_response(status)
                self.send_header("Content-Type", otlp.PROTOBUF)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Listener(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 128

            def handle_error(self, *_):
                # A client that went away, or was killed by the test.
                pass

        self.server = Listener(("127.0.0.1", self.port), Handler)
        if self.tls:
            self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def bodies(self):
        """The texts of all log records, in order of arrival."""
        with self.lock:
            taken = [request for signal, request in self.taken if signal == "logs"]
        return [
            record.body.string_value
            for request in taken
            for resource in request.resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def numbered(service, number, padding=0):
    """A request with one record, `record <number>`, and an attribute of `padding` bytes."""
    record = {"time_unix_nano": time.time_ns(), "severity_number": 9, "body": f"record {number}"}
    if padding:
        record["attributes"] = {"padding": "x" * padding}
    return otlp.logs(service, record).SerializeToString()
