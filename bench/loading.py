#!/usr/bin/env python3
"""A peer that loads logs at half the rate it can, in a process and a folder of its own, until it is ended.

Peers run inside a process and answer one statement at a time, so whoever asks them under load asks another instance: the
two share the machine and its disk, and no lock. That is kinder to the peer than asking the one that loads.

    bench/loading.py ClickHouse|DuckDB logs.parquet FOLDER
"""

import pathlib
import sys
import time

import pyarrow.parquet as pq

from clickhouse import ClickHouse
from duck import DuckDB


# Loaded again and again.
PIECES = 10


def pieces(parquet, folder):
    """The first row groups of a file, each a file: what an exporter would send at a time."""
    whole = pq.ParquetFile(parquet)
    for n in range(min(PIECES, whole.num_row_groups)):
        file = folder / f"piece-{n}.parquet"
        pq.write_table(whole.read_row_group(n), file, compression="zstd")
        yield file


def main():
    kind, parquet, folder = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    folder.mkdir(parents=True)
    peer = {"ClickHouse": ClickHouse, "DuckDB": DuckDB}[kind](folder / "peer")
    files = list(pieces(parquet, folder))
    print("ready", flush=True)
    while True:
        for file in files:
            begun = time.monotonic()
            peer.insert("otel_logs", file)
            # Rests as long as it worked.
            time.sleep(time.monotonic() - begun)


if __name__ == "__main__":
    main()
