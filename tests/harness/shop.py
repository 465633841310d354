"""Series of an invented shop, for comparing answers: counters with resets, histograms, gauges, gaps, ends of series,
odd values. Everything follows from the seed and the end time.

No sample lies on a whole second: Prometheus 2 closes its windows on the left, Prometheus 3 and Bellrock do not, and
only a sample exactly on an edge tells them apart.
"""

import math
import random
import struct

STEP_MS = 15_000
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
BOUNDS = ("0.05", "0.1", "0.25", "0.5", "1", "2.5", "+Inf")


def series(end_ms, minutes=40, seed=7):
    """(labels, [(milliseconds, value)]) of every series; the last samples lie just before `end_ms`."""
    return _Shop(end_ms, minutes, seed).all()


class _Shop:
    def __init__(self, end_ms, minutes, seed):
        self.random = random.Random(seed)
        first = (end_ms - minutes * 60_000) // 1000 * 1000
        self.times = [first + 7 + i * STEP_MS for i in range(minutes * 60_000 // STEP_MS)]

    def all(self):
        out = []
        for number, instance in enumerate(("a:9100", "b:9100", "c:9100")):
            self.at = {"job": "shop" if number < 2 else "shop-canary", "instance": instance}
            self.lag_ms = number * 331
            out += self.requests() + self.durations() + self.cpu() + self.gauges(number)
        return out + self.odd()

    def one(self, name, values, **labels):
        samples = [(t + self.lag_ms, v) for t, v in zip(self.times, values) if v is not None]
        return {"__name__": name, **self.at, **labels}, samples

    def counter(self, mean, reset=None):
        # Far from zero at first: how far `rate` reaches back towards zero has changed since Prometheus 2.
        total, out = 1000 * mean, []
        for i in range(len(self.times)):
            total = 0.0 if i == reset else total + self.random.expovariate(1 / mean)
            out.append(round(total, 3))
        return out

    def requests(self):
        out = []
        for path, mean in (("/", 40), ("/cart", 12), ("/pay", 3)):
            for method, factor in (("GET", 1), ("POST", 0.3)):
                for status, share in (("200", 1), ("404", 0.1), ("500", 0.02)):
                    reset = self.random.randrange(20, 140) if self.random.random() < 0.3 else None
                    values = [math.floor(v) for v in self.counter(mean * factor * share, reset)]
                    out.append(self.one("shop_requests_total", values, path=path, method=method, status=status))
        return out

    def durations(self):
        out = []
        for path in ("/", "/pay"):
            counts, total, sums, by_bound = [500 + 100 * i for i in range(len(BOUNDS))], 300.0, [], [[] for _ in BOUNDS]
            for _ in self.times:
                for _ in range(self.random.randrange(0, 9)):
                    seconds = self.random.lognormvariate(-1.5, 1)
                    total += seconds
                    for i, bound in enumerate(BOUNDS):
                        counts[i] += seconds <= float(bound)
                sums.append(total)
                for i, count in enumerate(counts):
                    by_bound[i].append(count)
            name = "shop_request_duration_seconds"
            out += [self.one(f"{name}_bucket", values, path=path, le=le) for le, values in zip(BOUNDS, by_bound)]
            out += [self.one(f"{name}_sum", sums, path=path), self.one(f"{name}_count", by_bound[-1], path=path)]
        return out

    def cpu(self):
        modes = (("idle", 11), ("system", 1.5), ("user", 2.5))
        return [self.one("shop_cpu_seconds_total", self.counter(mean), mode=mode) for mode, mean in modes]

    def gauges(self, number):
        n = len(self.times)
        memory = [2**30 + 2**26 * math.sin(i / 9 + number) + self.random.randrange(2**20) for i in range(n)]
        queue = [None if 40 <= i < 75 else self.random.randrange(50) - 10 for i in range(n)]
        temperature = [round(20 + 5 * math.sin(i / 30) + self.random.gauss(0, 1), 2) for i in range(n)]
        started = [1_795_000_000 + number * 77] * n
        up = [float(self.random.random() > 0.05) for _ in range(n)]
        return [
            self.one("shop_memory_bytes", memory, kind="heap"),
            self.one("shop_memory_bytes", [v / 3 for v in memory], kind="stack"),
            self.one("shop_queue_depth", queue, queue="mail"),
            self.one("shop_temperature_celsius", temperature),
            self.one("shop_start_time_seconds", started),
            self.one("up", up),
        ]

    def odd(self):
        n, self.at, self.lag_ms = len(self.times), {"job": "odd"}, 0
        ended = [float(i) if i < n // 2 else (STALE if i == n // 2 else None) for i in range(n)]
        special = [(math.nan, math.inf, -math.inf, -0.0, 1e-9, 1e22, -1.5)[i % 7] for i in range(n)]
        return [
            self.one("shop_job_progress", ended, task="import"),
            self.one("shop_job_progress", [float(i % 30) for i in range(n)], task="export"),
            self.one("shop_special_values", special),
            self.one("shop_constant", [3.25] * n, text='quoted " \\ back\nnewline é'),
        ]
