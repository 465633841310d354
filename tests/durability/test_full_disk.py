"""A disk that fills up: senders are told to come back, nothing ends, and it goes on by itself when there is room.

The disk is a small one in memory (tmpfs); without the right to mount one the test is left out.
"""

import subprocess
import time

import pytest

from harness import otlp, poll
from harness.api import Api
from harness.server import Server

DISK_MIB = 400
# More than the disk has beside the room that the server keeps free.
FILLER_MIB = 300


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("no right to mount a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def log(text):
    return otlp.logs("full-disk", {"time_unix_nano": time.time_ns(), "body": text, "severity_number": 9}).SerializeToString()


def test_a_full_disk_is_a_retryable_refusal_and_passes(small_disk):
    filler = small_disk / "filler"
    with Server(small_disk / "server") as server:
        assert otlp.post(server, "logs", log("before")).status_code == 200
        with open(filler, "wb") as file:
            for _ in range(FILLER_MIB):
                file.write(bytes(1 << 20))

        def refused():
            answer = otlp.post(server, "logs", log("while full"))
            # A refusal is false in itself, so it goes into a list.
            return [answer] if answer.status_code == 503 else None

        (answer,) = poll.until("the refusal", refused)
        assert int(answer.headers["Retry-After"]) >= 1
        assert b"kept free" in answer.content
        filler.unlink()
        poll.until("room", lambda: otlp.post(server, "logs", log("after")).status_code == 200)
        bodies = {log["body"]["stringValue"] for log in Api(server.url("api")).all_pages("logs", q="service:full-disk")}
        assert {"before", "after"} <= bodies
