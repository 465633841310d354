//! Who sends telemetry: the processes of the stack, their resources and libraries.

use foundation::UnixNanos;

use crate::otlp::{Attributes, Scope, Value};

/// A process that exports telemetry. The order is the order of the requests of one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// The React app in desktop Chrome.
    BrowserChrome,
    /// The React app in Safari on a phone.
    BrowserSafari,
    /// The React app in Firefox.
    BrowserFirefox,
    /// The reverse proxy.
    Nginx,
    /// First process of the TypeScript API.
    ApiOne,
    /// Second process of the TypeScript API.
    ApiTwo,
    /// The Telegram bot, Go.
    Bot,
    /// What the receiver reads from PostgreSQL.
    Postgres,
    /// What the receiver reads from Redis.
    Redis,
}

impl Actor {
    /// All of them, in order.
    pub const ALL: [Self; 9] = [
        Self::BrowserChrome,
        Self::BrowserSafari,
        Self::BrowserFirefox,
        Self::Nginx,
        Self::ApiOne,
        Self::ApiTwo,
        Self::Bot,
        Self::Postgres,
        Self::Redis,
    ];

    /// `service.name`.
    pub const fn service(self) -> &'static str {
        match self {
            Self::BrowserChrome | Self::BrowserSafari | Self::BrowserFirefox => "meetsmatch-frontend",
            Self::Nginx => "nginx",
            Self::ApiOne | Self::ApiTwo => "meetsmatch-api",
            Self::Bot => "meetsmatch-bot",
            Self::Postgres => "postgresql",
            Self::Redis => "redis",
        }
    }

    /// Whether its metrics are sent as deltas; a browser tab does not live long enough for cumulative ones.
    pub const fn is_browser(self) -> bool {
        matches!(self, Self::BrowserChrome | Self::BrowserSafari | Self::BrowserFirefox)
    }

    /// `User-Agent` of a browser.
    pub const fn user_agent(self) -> &'static str {
        match self {
            Self::BrowserSafari => {
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
            }
            Self::BrowserFirefox => "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            _ => {
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
            }
        }
    }

    /// The attributes of its resource. A stack that starts again is made of new instances: their counters
    /// begin at zero and must not meet those of the run before in one series.
    pub fn resource(self, started: UnixNanos) -> Attributes {
        let mut list = crate::attrs![
            "service.name" => self.service(),
            "service.namespace" => "meetsmatch",
            "service.version" => self.version(),
            "service.instance.id" => format!("{}-{:x}", self.instance(), started.0 / 1_000_000_000),
            "deployment.environment.name" => "demo",
        ];
        match self {
            Self::BrowserChrome | Self::BrowserSafari | Self::BrowserFirefox => {
                sdk(&mut list, "webjs", "2.12.0");
                let (platform, mobile) = match self {
                    Self::BrowserSafari => ("iPhone", true),
                    Self::BrowserFirefox => ("Linux", false),
                    _ => ("Windows", false),
                };
                list.extend(crate::attrs![
                    "browser.platform" => platform,
                    "browser.mobile" => mobile,
                    "browser.language" => "en-US",
                    "user_agent.original" => self.user_agent(),
                ]);
            }
            Self::Nginx => {
                sdk(&mut list, "cpp", "1.23.0");
                list.extend(crate::attrs!["host.name" => "edge-1"]);
            }
            Self::ApiOne | Self::ApiTwo => {
                sdk(&mut list, "nodejs", "2.12.0");
                list.extend(crate::attrs![
                    "host.name" => self.instance(),
                    "host.arch" => "amd64",
                    "os.type" => "linux",
                    "process.pid" => if self == Self::ApiOne { 18i64 } else { 19i64 },
                    "process.runtime.name" => "nodejs",
                    "process.runtime.version" => "22.21.1",
                    "process.command_args" => Value::Strings(vec!["node".into(), "dist/server.js".into()]),
                ]);
            }
            Self::Bot => {
                sdk(&mut list, "go", "1.45.0");
                list.extend(crate::attrs![
                    "host.name" => "bot-1",
                    "process.pid" => 1i64,
                    "process.runtime.name" => "go",
                    "process.runtime.version" => "go1.26.3",
                ]);
            }
            Self::Postgres => {
                list.extend(
                    crate::attrs!["server.address" => "postgres", "server.port" => 5432i64, "host.name" => "db-1"],
                );
            }
            Self::Redis => {
                list.extend(
                    crate::attrs!["server.address" => "redis", "server.port" => 6379i64, "host.name" => "cache-1"],
                );
            }
        }
        list
    }

    const fn version(self) -> &'static str {
        match self {
            Self::BrowserChrome | Self::BrowserSafari | Self::BrowserFirefox => "1.8.2",
            Self::Nginx => "1.29.3",
            Self::ApiOne | Self::ApiTwo => "2.4.0",
            Self::Bot => "1.12.1",
            Self::Postgres => "17.6",
            Self::Redis => "7.4.6",
        }
    }

    const fn instance(self) -> &'static str {
        match self {
            Self::BrowserChrome => "tab-chrome",
            Self::BrowserSafari => "tab-safari",
            Self::BrowserFirefox => "tab-firefox",
            Self::Nginx => "nginx-1",
            Self::ApiOne => "api-1",
            Self::ApiTwo => "api-2",
            Self::Bot => "bot-1",
            Self::Postgres => "postgres:5432",
            Self::Redis => "redis:6379",
        }
    }
}

fn sdk(list: &mut Attributes, language: &'static str, version: &'static str) {
    list.extend(crate::attrs![
        "telemetry.sdk.language" => language,
        "telemetry.sdk.name" => "opentelemetry",
        "telemetry.sdk.version" => version,
    ]);
}

/// Instrumentation libraries, as their scopes name them.
pub mod scopes {
    use super::Scope;

    /// Clicks in the web app.
    pub const WEB_CLICK: Scope = scope("@opentelemetry/instrumentation-user-interaction", "0.68.0");
    /// Page loads in the web app.
    pub const WEB_LOAD: Scope = scope("@opentelemetry/instrumentation-document-load", "0.68.0");
    /// `fetch` in the web app.
    pub const WEB_FETCH: Scope = scope("@opentelemetry/instrumentation-fetch", "0.223.0");
    /// The web app's own instruments.
    pub const WEB_APP: Scope = scope("meetsmatch-frontend", "1.8.2");
    /// nginx's OpenTelemetry module.
    pub const NGINX: Scope = scope("nginx", "1.29.3");
    /// Node's HTTP client and server.
    pub const NODE_HTTP: Scope = scope("@opentelemetry/instrumentation-http", "0.223.0");
    /// Express middleware.
    pub const NODE_EXPRESS: Scope = scope("@opentelemetry/instrumentation-express", "0.68.0");
    /// node-postgres.
    pub const NODE_PG: Scope = scope("@opentelemetry/instrumentation-pg", "0.68.0");
    /// node-redis.
    pub const NODE_REDIS: Scope = scope("@opentelemetry/instrumentation-redis", "0.68.0");
    /// The API's logger.
    pub const NODE_PINO: Scope = scope("@opentelemetry/instrumentation-pino", "0.68.0");
    /// The API's own spans and instruments.
    pub const NODE_APP: Scope = scope("meetsmatch-api", "2.4.0");
    /// The V8 runtime.
    pub const NODE_RUNTIME: Scope = scope("@opentelemetry/instrumentation-runtime-node", "0.68.0");
    /// net/http in Go.
    pub const GO_HTTP: Scope = scope("go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", "0.70.0");
    /// gin in Go.
    pub const GO_GIN: Scope =
        scope("go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin", "0.70.0");
    /// database/sql in Go.
    pub const GO_SQL: Scope = scope("github.com/XSAM/otelsql", "0.43.0");
    /// go-redis.
    pub const GO_REDIS: Scope = scope("github.com/redis/go-redis/extra/redisotel/v9", "9.22.0");
    /// zap.
    pub const GO_ZAP: Scope = scope("go.opentelemetry.io/contrib/bridges/otelzap", "0.19.0");
    /// The bot's own spans and instruments.
    pub const GO_APP: Scope = scope("github.com/meetsmatch/bot", "1.12.1");
    /// What reads PostgreSQL's statistics.
    pub const POSTGRES_RECEIVER: Scope = scope("postgresqlreceiver", "");
    /// What reads Redis' INFO.
    pub const REDIS_RECEIVER: Scope = scope("redisreceiver", "");

    const fn scope(name: &'static str, version: &'static str) -> Scope {
        Scope { name, version }
    }
}
