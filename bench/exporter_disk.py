#!/usr/bin/env python3
"""What samples of a real node exporter take on disk, beside Prometheus and VictoriaMetrics.

The generator's values are noise in part, which nothing can make small. Here Debian's node exporter is scraped on the machine as it is;
each server gets the same scrapes, writes and merges its blocks, and the folder is measured, indexes included. Scrapes are --every
seconds apart and stored 15 s apart, each as late as it really was: counters grow by less between two of them than in 15 s, for all servers
alike. Peers come from Debian; one that is missing is left out and said so.

    bench/exporter_disk.py [--quick] [--scrapes 1200] [--every 1] [--server target/release/bellrock]
"""

import datetime
import http.client
import shutil
import subprocess
import time
import urllib.request

from harness import Process, answers_200, commit, folder_bytes, free_ports, machine, parse, parser, publish, say, scratch_folder, thousands
from metrics import Bellrock, VictoriaMetrics

STEP_S = 15
# Scrapes of one import.
BATCH = 20


class Exporter(Process):
    program = "prometheus-node-exporter"

    def __init__(self, data_dir):
        (self.port,) = free_ports(1)
        command = [self.program, f"--web.listen-address=127.0.0.1:{self.port}"]
        super().__init__(command, data_dir, answers_200(self.port, "/metrics"))


def samples(text):
    """The lines that are samples."""
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def record(options, scratch):
    """Scrapes: milliseconds at which each would have been made 15 s apart, and its lines."""
    exporter = Exporter(scratch / "exporter")
    scrapes = []
    try:
        begun = time.time()
        first_ms = (int(begun) - options.scrapes * STEP_S) * 1000
        for n in range(options.scrapes):
            time.sleep(max(0.0, begun + n * options.every - time.time()))
            late_ms = max(0, round((time.time() - begun - n * options.every) * 1000))
            with urllib.request.urlopen(f"http://127.0.0.1:{exporter.port}/metrics", timeout=10) as answer:
                scrapes.append((first_ms + n * STEP_S * 1000 + late_ms, samples(answer.read().decode())))
            if n % 60 == 59:
                say(f"{n + 1} scrapes")
    finally:
        exporter.stop()
    return scrapes


def imported(options, kind, scrapes, scratch):
    """Bytes on disk of a server that takes text with times."""
    say(kind.name)
    server = kind(options, scratch / kind.name.lower())
    try:
        for at in range(0, len(scrapes), BATCH):
            body = "".join(f"{line} {ms}\n" for ms, lines in scrapes[at : at + BATCH] for line in lines)
            connection = http.client.HTTPConnection("127.0.0.1", server.api, timeout=60)
            connection.request("POST", "/api/v1/import/prometheus", body.encode())
            answer = connection.getresponse()
            said = answer.read().decode(errors="replace")
            if answer.status not in (200, 204):
                raise RuntimeError(f"{kind.name}: HTTP {answer.status} {said[:300]}")
        server.settle()
        return server.sizes()
    finally:
        server.stop()


def promtool(scrapes, scratch):
    """Bytes of Prometheus' own blocks."""
    say("Prometheus")
    text, blocks = scratch / "scrapes.txt", scratch / "prometheus"
    with open(text, "w") as out:
        for ms, lines in scrapes:
            out.writelines(f"{line} {ms / 1000:.3f}\n" for line in lines)
        out.write("# EOF\n")
    done = subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(blocks)], capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"promtool: {done.stderr[-1000:]}")
    return folder_bytes(blocks)


def main():
    made = parser(__doc__.splitlines()[0], "200 scrapes")
    made.add_argument("--scrapes", type=int, default=1_200)
    made.add_argument("--every", type=float, default=1.0, help="seconds between two scrapes; 15 is what is stored")
    options = parse(made)
    if options.quick:
        options.scrapes = 200
    options.minutes = options.scrapes * STEP_S // 60
    if not shutil.which(Exporter.program):
        made.error(f"{Exporter.program} is not installed: apt-get install prometheus-node-exporter")
    started = datetime.datetime.now(datetime.timezone.utc)
    with scratch_folder(options) as scratch:
        scrapes = record(options, scratch)
        count = sum(len(lines) for _, lines in scrapes)
        sizes = {"Bellrock": imported(options, Bellrock, scrapes, scratch)}
        if shutil.which("promtool"):
            sizes["Prometheus"] = promtool(scrapes, scratch)
        if shutil.which(VictoriaMetrics.program):
            sizes["VictoriaMetrics"] = imported(options, VictoriaMetrics, scrapes, scratch)
    lines = [
        f"# A node exporter on disk, {started:%Y-%m-%d %H:%M} UTC", "",
        f"Machine: {machine()}. Commit: {commit() or 'unknown'}. {thousands(options.scrapes)} scrapes {options.every:g} s apart, stored 15 s apart; "
        f"{thousands(count)} samples of {thousands(len(scrapes[-1][1]))} series.", "",
        "| server | bytes per sample, index included |", "|---|--:|",
        *(f"| {name} | {size / count:.3f} |" for name, size in sizes.items()),
    ]
    lines += [f"\n{name} is not installed and was left out." for name in ("Prometheus", "VictoriaMetrics") if name not in sizes]
    publish("\n".join(lines) + "\n", started, options, "-exporter")


if __name__ == "__main__":
    main()
