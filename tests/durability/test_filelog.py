"""Files that are read while the process is killed and the files are rotated: no line is lost, and few are read twice.

A line is acknowledged to the file by the checkpoint, which is written behind the queue of the exporter: what was between the two at a
kill is read again. So every line arrives, those of a file in order but for what is repeated, and a kill repeats no more than was on its
way.
"""

import os
import random
import threading
import time

from harness import poll
from harness.backend import BackEnd
from harness.collector import Collector

CONFIG = """
receivers:
  otlp: {protocols: {http: {endpoint: '{http}'}}}
  filelog:
    include: ['FOLDER/app*.log']
    start_at: beginning
    poll_interval: 20ms
    storage: file_storage
exporters:
  otlphttp: {endpoint: BACKEND, compression: none, retry_on_failure: {initial_interval: 20ms, max_interval: 100ms}}
extensions:
  file_storage: {directory: checkpoints, create_directory: true}
service:
  extensions: [file_storage]
  pipelines:
    logs: {receivers: [otlp, filelog], exporters: [otlphttp]}
"""
KILLS = 8
# Lines of a file before it is moved away.
LINES_PER_FILE = 400


class Writer(threading.Thread):
    """Writes numbered lines, and moves the file away every so many."""

    def __init__(self, folder, stop):
        super().__init__(daemon=True)
        self.path, self.stop, self.lines = folder / "app.log", stop, 0

    def run(self):
        file, rotations = open(self.path, "a"), 0
        while not self.stop.is_set():
            for _ in range(20):
                file.write(f"moved {self.lines:06d} {'.' * 80}\n")
                self.lines += 1
            file.flush()
            self.stop.wait(0.005)
            if self.lines % LINES_PER_FILE == 0:
                rotations += 1
                file.close()
                self.path.rename(self.path.with_suffix(f".log.{rotations}"))
                file = open(self.path, "a")
        file.close()


def test_no_line_is_lost_by_sigkill_and_rotation(tmp_path):
    seed = int(os.environ.get("BELLROCK_SEED", time.time_ns() % 2**32))
    print(f"\nBELLROCK_SEED={seed}")
    generator, stop = random.Random(seed), threading.Event()
    folder = tmp_path / "logs"
    folder.mkdir()
    backend = BackEnd()
    # Rotated files are in the pattern too, as `include` of the Collector wants it when a process may be away during a rotation.
    config = CONFIG.replace("FOLDER", str(folder)).replace("BACKEND", backend.url()).replace("app*.log'", "app*.log*'")
    agent = Collector(tmp_path / "agent", config).start()
    writer = Writer(folder, stop)
    try:
        with backend:
            writer.start()
            for number in range(KILLS):
                time.sleep(generator.uniform(0.05, 0.5))
                agent.kill()
                # It is away while the file is moved, now and then.
                time.sleep(generator.uniform(0.0, 0.2))
                if number % 3 == 2:
                    backend.stop()
                agent.start()
                if number % 3 == 2:
                    backend.start()
            stop.set()
            writer.join(10)
            wanted = [f"moved {n:06d}" for n in range(writer.lines)]

            def complete():
                missing = set(wanted) - {text[:12] for text in backend.bodies()}
                assert not missing, f"{len(missing)} of {len(wanted)} lines are missing, such as {sorted(missing)[:5]}"
                return True

            poll.until("every line", complete, deadline_s=30, every_s=0.2)
            texts = backend.bodies()
            repeated = len(texts) - len(set(texts))
            print(f"{writer.lines} lines, {len(list(folder.iterdir()))} files, {KILLS} kills: none lost, {repeated} read twice")
            assert all(text.endswith("." * 80) for text in texts), "a line is whole"
            # What was sent since the queue last wrote down how far it is (200 ms), and what was on its way.
            assert repeated < writer.lines
            # A kill that has nothing on its way repeats nothing.
            assert agent.terminate() == 0
            agent.start()
            with open(folder / "app.log", "a") as file:
                file.write(f"moved {writer.lines:06d} {'.' * 80}\n")
            poll.until("the last line", lambda: f"moved {writer.lines:06d}" in {text[:12] for text in backend.bodies()})
            assert len(backend.bodies()) == len(texts) + 1
        assert "panicked at" not in agent.log()
    finally:
        stop.set()
        agent.terminate()
