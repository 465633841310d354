"""DuckDB on Parquet files sorted by time, compressed with zstd: what a lake of telemetry is today."""

import pathlib
import time

import duckdb

THREADS = 2


class DuckDB:
    """Reads the files where they lie."""

    name = "DuckDB on Parquet"

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.connection = duckdb.connect(config={"threads": THREADS})

    def insert(self, table, parquet):
        """Sorts a file and writes it as one that can be queried."""
        target = self.folder / f"{table}.parquet"
        self.connection.execute(
            f"COPY (SELECT * FROM '{parquet}' ORDER BY Timestamp) TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        )
        return target

    def load(self, table, parquet):
        """CPU seconds of it, twice: there is nothing to merge."""
        begun = time.process_time()
        target = self.insert(table, parquet)
        self.connection.execute(f"CREATE VIEW {table} AS SELECT * FROM '{target}'")
        took = time.process_time() - begun
        return took, took

    def bytes_on_disk(self, table):
        return (self.folder / f"{table}.parquet").stat().st_size

    def ask(self, statement):
        """Rows of the answer, and wall and CPU milliseconds."""
        wall, cpu = time.perf_counter(), time.process_time()
        rows = self.connection.execute(statement).fetchall()
        return rows, (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3

    def close(self):
        self.connection.close()
