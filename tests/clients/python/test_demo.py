"""`serve --demo`: what a newcomer sees within the first minute, and what the dashboards and alerts of the stack ask for."""

import pytest

from harness import poll
from harness.api import Api
from harness.server import Server

# The left sides of the stack's alert rules and the queries of its dashboards.
EXPRESSIONS = [
    'sum(rate(http_requests_total{status=~"5.."}[5m])) by (service) / sum(rate(http_requests_total[5m])) by (service)',
    "sum(rate(http_requests_total[5m])) by (service)",
    "histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket[5m])) by (le, service))",
    "db_connections_active",
    "db_connections_idle",
    "histogram_quantile(0.95, sum(rate(db_query_duration_seconds_bucket[5m])) by (le))",
    "sum(rate(db_queries_total[5m])) by (operation)",
    "redis_memory_usage_bytes",
    "sum(rate(redis_cache_misses_total[5m]))"
    " / (sum(rate(redis_cache_hits_total[5m])) + sum(rate(redis_cache_misses_total[5m])))",
    "go_memstats_alloc_bytes",
    "go_goroutines",
    'sum(rate(telegram_messages_total{status="error"}[5m]))',
    "histogram_quantile(0.95, sum(rate(telegram_message_processing_duration_seconds_bucket[5m])) by (le))",
    "telegram_active_users",
    "postgresql_up",
    "redis_up",
    "nginx_up",
]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("demo"))
    try:
        server.start("--demo")
        api = Api(server.url("api"))
        poll.until("the demo is under way", lambda: api.query("postgresql_up"), deadline_s=60)
        yield server, api
    finally:
        server.terminate()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_the_stack_asks_for_has_data(demo, expression):
    _, api = demo
    found = poll.until(expression, lambda: api.query(expression), deadline_s=60)
    assert all(value == value for _, value in found), "a number, not NaN"


def test_there_is_a_slow_endpoint_and_an_error_with_its_logs(demo):
    _, api = demo

    def some(kind, q):
        return api.json(f"/api/v1/{kind}", q=q, limit=20)[kind]

    slow = 'http.route:"/v1/matches/suggestions" duration>300ms'
    poll.until("a slow trace", lambda: some("traces", slow), deadline_s=60)
    failed = poll.until("failed traces", lambda: some("traces", "service:meetsmatch-api status:error"), deadline_s=60)

    def told():
        levels = {log["level"] for trace in failed for log in some("logs", f"trace_id:{trace['trace_id']}")}
        return "ERROR" in levels

    poll.until("the logs of a failed trace", told, deadline_s=60)


def test_nothing_of_the_demo_is_refused(demo):
    server, api = demo
    status = api.json("/api/v1/status")
    assert {signal: counts["refused"] for signal, counts in status["signals"].items()} == {
        "traces": 0,
        "metrics": 0,
        "logs": 0,
    }, status["refusals"]
