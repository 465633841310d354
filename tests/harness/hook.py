"""A receiver of webhooks: keeps what it is sent, answers as it is told."""

import http.server
import json
import threading

from harness.server import free_port


class Hook:
    """`answers` are the status codes of the next requests; 200 when there are none."""

    def __init__(self, port=None):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.received = []
        self.answers = []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                code = hook.answers.pop(0) if hook.answers else 200
                if code == 200:
                    hook.received.append(body)
                self.send_response(code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def told(self):
        """(alertname, status) of every alert of every message, in order."""
        return [(a["labels"]["alertname"], a["status"]) for message in self.received for a in message["alerts"]]
