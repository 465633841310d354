//! The metrics of the stack, under the names that its dashboards and alert rules use.
//!
//! Source: the MeetsMatch monitoring design (`http_*`, `db_*`, `redis_*`,
//! `telegram_*`, `go_*`), the Collector's postgresql, redis and nginx
//! receivers (dotted names), and the semantic conventions for what
//! auto-instrumentation sends beside them.

use super::registry::Instrument;
use super::registry::Shape::{self, Counter, Gauge, Histogram, UpDownCounter};

/// Bounds in seconds: the semantic conventions' list and 2, so that every threshold of the alerts and SLOs is a bound.
pub const SECONDS: &[f64] = &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.0, 2.5, 5.0, 7.5, 10.0];

const fn instrument(name: &'static str, unit: &'static str, shape: Shape, description: &'static str) -> Instrument {
    Instrument { name, unit, description, shape }
}

macro_rules! instruments {
    ($($id:ident = $name:literal, $unit:literal, $shape:expr, $description:literal;)*) => {
        $(#[doc = $description] pub static $id: Instrument = instrument($name, $unit, $shape, $description);)*
        /// Every instrument, for tests and lists.
        pub static ALL: &[&Instrument] = &[$(&$id),*];
    };
}

instruments! {
    HTTP_REQUESTS = "http_requests_total", "{request}", Counter, "HTTP requests served.";
    HTTP_DURATION = "http_request_duration_seconds", "s", Histogram(SECONDS), "Time to serve an HTTP request.";
    HTTP_ACTIVE = "http_active_requests", "{request}", UpDownCounter, "HTTP requests being served.";
    HTTP_SERVER_DURATION = "http.server.request.duration", "s", Histogram(SECONDS), "Duration of HTTP server requests.";

    DB_ACTIVE = "db_connections_active", "{connection}", Gauge, "Connections of the pool that are in use.";
    DB_IDLE = "db_connections_idle", "{connection}", Gauge, "Connections of the pool that are idle.";
    DB_QUERIES = "db_queries_total", "{query}", Counter, "Queries sent to the database.";
    DB_DURATION = "db_query_duration_seconds", "s", Histogram(SECONDS), "Time until a query was answered.";
    DB_ERRORS = "db_connection_errors_total", "{error}", Counter, "Connections that could not be had.";

    REDIS_ACTIVE = "redis_connections_active", "{connection}", Gauge, "Connections to Redis.";
    REDIS_OPERATIONS = "redis_operations_total", "{operation}", Counter, "Commands sent to Redis.";
    REDIS_DURATION = "redis_operation_duration_seconds", "s", Histogram(SECONDS), "Time until a command was answered.";
    REDIS_HITS = "redis_cache_hits_total", "{hit}", Counter, "Lookups that found their key.";
    REDIS_MISSES = "redis_cache_misses_total", "{miss}", Counter, "Lookups that did not find their key.";
    REDIS_MEMORY = "redis_memory_usage_bytes", "By", Gauge, "Memory used by Redis.";

    TELEGRAM_MESSAGES = "telegram_messages_total", "{message}", Counter, "Telegram updates handled.";
    TELEGRAM_DURATION = "telegram_message_processing_duration_seconds", "s", Histogram(SECONDS), "Time to handle a Telegram update.";
    TELEGRAM_USERS = "telegram_active_users", "{user}", Gauge, "Users seen in the last five minutes.";

    GO_ALLOC = "go_memstats_alloc_bytes", "By", Gauge, "Bytes of allocated heap objects.";
    GO_GOROUTINES = "go_goroutines", "{goroutine}", Gauge, "Goroutines that exist.";
    PROCESS_MEMORY = "process_resident_memory_bytes", "By", Gauge, "Resident memory of the process.";
    PROCESS_CPU = "process_cpu_seconds_total", "s", Counter, "CPU time of the process.";
    NODE_LAG = "nodejs_eventloop_lag_seconds", "s", Gauge, "Delay of the event loop, 99th percentile.";
    NODE_HEAP = "v8js.memory.heap.used", "By", Gauge, "Heap in use by V8.";

    PG_UP = "postgresql_up", "", Gauge, "1 when PostgreSQL answers.";
    PG_BACKENDS = "postgresql.backends", "{connection}", UpDownCounter, "Backends of the database.";
    PG_MAX = "postgresql.connection.max", "{connection}", Gauge, "Configured maximum of connections.";
    PG_COMMITS = "postgresql.commits", "{commit}", Counter, "Transactions committed.";
    PG_ROLLBACKS = "postgresql.rollbacks", "{rollback}", Counter, "Transactions rolled back.";
    PG_DEADLOCKS = "postgresql.deadlocks", "{deadlock}", Counter, "Deadlocks found.";
    PG_SIZE = "postgresql.db_size", "By", UpDownCounter, "Disk space of the database.";
    PG_SEQ_SCANS = "postgresql.sequential_scans", "{scan}", Counter, "Sequential scans of a table.";
    PG_OPERATIONS = "postgresql.operations", "{operation}", Counter, "Rows changed.";

    REDIS_UP = "redis_up", "", Gauge, "1 when Redis answers.";
    REDIS_USED = "redis.memory.used", "By", Gauge, "Memory used by Redis.";
    REDIS_CLIENTS = "redis.clients.connected", "{client}", UpDownCounter, "Clients connected.";
    REDIS_COMMANDS = "redis.commands.processed", "{command}", Counter, "Commands processed.";
    REDIS_KEYSPACE_HITS = "redis.keyspace.hits", "{hit}", Counter, "Lookups that found their key, as the server counts.";
    REDIS_KEYSPACE_MISSES = "redis.keyspace.misses", "{miss}", Counter, "Lookups that did not find their key, as the server counts.";
    REDIS_EVICTED = "redis.keys.evicted", "{key}", Counter, "Keys evicted for memory.";
    REDIS_KEYS = "redis.db.keys", "{key}", Gauge, "Keys in the database.";

    NGINX_UP = "nginx_up", "", Gauge, "1 when nginx answers.";
    NGINX_ACCEPTED = "nginx.connections_accepted", "{connection}", Counter, "Connections accepted.";
    NGINX_HANDLED = "nginx.connections_handled", "{connection}", Counter, "Connections handled.";
    NGINX_CURRENT = "nginx.connections_current", "{connection}", Gauge, "Connections by state.";
    NGINX_REQUESTS = "nginx.requests", "{request}", Counter, "Requests since start.";

    WEB_VIEWS = "frontend_page_views_total", "{view}", Counter, "Pages shown.";
    WEB_ERRORS = "frontend_errors_total", "{error}", Counter, "Errors shown to the user.";
    WEB_FETCH_DURATION = "frontend_fetch_duration_seconds", "s", Histogram(SECONDS), "Time until a fetch was answered.";
    WEB_LCP = "frontend_largest_contentful_paint_seconds", "s", Histogram(SECONDS), "Largest contentful paint.";
}
