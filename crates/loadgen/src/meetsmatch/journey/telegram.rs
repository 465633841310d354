//! The Telegram bot: webhook updates through nginx, sessions in Redis, matches from the API, answers to Telegram.

use foundation::UnixNanos;

use super::database::Statement;
use super::endpoints::{ENDPOINTS, Endpoint, FEED};
use super::nginx::Proxied;
use super::{Failure, Journey, Reply, SpanId, ms, seconds};
use crate::attrs;
use crate::meetsmatch::cast::{Actor, scopes};
use crate::meetsmatch::instruments as m;
use crate::meetsmatch::registry::labels;
use crate::otlp::{Kind, Scope, Severity, Span};

pub(super) const STACK: &str = "github.com/meetsmatch/bot/internal/handlers.(*Router).Dispatch\n\t/src/internal/handlers/router.go:87\ngithub.com/meetsmatch/bot/internal/telegram.(*Webhook).ServeHTTP\n\t/src/internal/telegram/webhook.go:52\nnet/http.HandlerFunc.ServeHTTP\n\t/usr/local/go/src/net/http/server.go:2322";

/// The share of updates that the bot can't handle on a calm day.
const REFUSED_RATE: f64 = 0.006;

/// What an update is and what it makes the bot do.
struct Update {
    /// Label `type`.
    kind: &'static str,
    command: &'static str,
    calls: Option<&'static Endpoint>,
}

static UPDATES: [Update; 6] = [
    Update { kind: "command", command: "/start", calls: None },
    Update { kind: "command", command: "/match", calls: Some(&FEED) },
    Update { kind: "command", command: "/events", calls: Some(ENDPOINTS[5]) },
    Update { kind: "text", command: "", calls: None },
    Update { kind: "callback_query", command: "like", calls: Some(ENDPOINTS[3]) },
    Update { kind: "callback_query", command: "profile", calls: Some(ENDPOINTS[2]) },
];

impl Journey<'_> {
    /// One update from Telegram's servers.
    pub(super) fn telegram_update(&mut self, at: UnixNanos) {
        let update = self.rng.pick(&UPDATES);
        let request = Proxied {
            method: "POST",
            location: "/webhook",
            path: "/webhook/telegram",
            upstream: "172.20.0.7:8081",
            client: format!("149.154.167.{}", 197 + self.rng.below(24)),
            user_agent: "TelegramBot (like TwitterBot)",
        };
        self.nginx(at, None, &request, |j, at, span| j.webhook(at, span, update));
    }

    fn webhook(&mut self, at: UnixNanos, parent: SpanId, update: &Update) -> Reply {
        let at = at.plus(self.brief(0.4));
        let span_id = self.new_span();
        let (end, failed) = self.handle_update(at.plus(ms(0.2)), span_id, update);
        // Telegram repeats what is not answered with 200, so the bot answers 200 to what it will never understand.
        let reply = Reply { end: end.plus(ms(0.2)), status: if failed { 500 } else { 200 }, bytes: 2 };
        self.go_span(
            scopes::GO_GIN,
            span_id,
            Some(parent),
            true,
            "POST /webhook/:token".into(),
            Kind::Server,
            (at, reply.end),
            attrs![
                "http.request.method" => "POST",
                "http.route" => "/webhook/:token",
                "http.response.status_code" => reply.status,
                "url.path" => "/webhook/telegram",
                "url.scheme" => "http",
                "server.address" => "bot",
                "server.port" => 8081i64,
            ],
            None,
            failed,
        );
        self.served(Actor::Bot, scopes::GO_APP, span_id, "POST", "/webhook/:token", at, reply);
        reply
    }

    fn handle_update(&mut self, at: UnixNanos, parent: SpanId, update: &Update) -> (UnixNanos, bool) {
        let span_id = self.new_span();
        let (update_id, chat) = (self.rng.between(700_000_000, 799_999_999) as i64, 5_000_000 + self.user as i64);
        let (end, failure) = self.answer_update(at.plus(ms(0.3)), span_id, update);
        let status = if failure.is_some() { "error" } else { "success" };
        let labels = labels!["type" => update.kind, "status" => status];
        self.count(Actor::Bot, scopes::GO_APP, end, &m::TELEGRAM_MESSAGES, labels.clone(), 1.0);
        self.record(Actor::Bot, scopes::GO_APP, end, &m::TELEGRAM_DURATION, labels, seconds(at, end), span_id);
        self.user_seen(Actor::Bot, scopes::GO_APP, at);
        let mut attributes = attrs![
            "telegram.update.id" => update_id,
            "telegram.update.type" => update.kind,
            "telegram.chat.id" => chat,
            "telegram.user.id" => self.user as i64,
        ];
        if !update.command.is_empty() {
            attributes.extend(attrs!["telegram.command" => update.command]);
        }
        let mut log_attributes = attributes.clone();
        log_attributes.extend(attrs!["logger" => "bot.router", "duration_ms" => seconds(at, end) * 1e3]);
        let (severity, body) = match &failure {
            Some(f) => {
                log_attributes.extend(f.attributes());
                (Severity::Error, format!("update {update_id} failed: {}", f.message))
            }
            None => (Severity::Info, format!("update {update_id} handled: {} {}", update.kind, update.command)),
        };
        self.log(Actor::Bot, scopes::GO_ZAP, end, severity, body, Some(span_id), log_attributes);
        let name = format!("telegram.update {}", update.kind);
        let failed = failure.is_some();
        self.go_span(
            scopes::GO_APP,
            span_id,
            Some(parent),
            false,
            name,
            Kind::Internal,
            (at, end),
            attributes,
            failure,
            failed,
        );
        (end, failed)
    }

    fn answer_update(&mut self, at: UnixNanos, parent: SpanId, update: &Update) -> (UnixNanos, Option<Failure>) {
        let hit = self.rng.chance(self.conditions.between(0.95, 0.3));
        let mut end = self.redis(Actor::Bot, at, parent, "GET", format!("GET bot:session:{}", self.user), Some(hit));
        if self.rng.chance(REFUSED_RATE) {
            let message = "unmarshal update: json: cannot unmarshal object into field Message.reply_markup".to_owned();
            return (end, Some(Failure { kind: "*json.UnmarshalTypeError", message, stack: STACK }));
        }
        if !hit {
            let outcome = self.query(
                Actor::Bot,
                end,
                parent,
                &Statement {
                    operation: "SELECT",
                    table: "telegram_sessions",
                    text: "SELECT state, locale, updated_at FROM telegram_sessions WHERE user_id = $1",
                    median_ms: 3.0,
                    rows: 1,
                },
            );
            if outcome.failure.is_some() {
                return (outcome.end, outcome.failure);
            }
            end = outcome.end;
        }
        if let Some(endpoint) = update.calls {
            let (answered, status) = self.call_api(end, parent, endpoint);
            end = answered;
            if status >= 500 {
                let message = format!("api: {} {}: unexpected status {status}", endpoint.method, endpoint.route);
                return (end, Some(Failure { kind: "*api.StatusError", message, stack: STACK }));
            }
        }
        let query = format!("SET bot:session:{} ? EX 3600", self.user);
        end = self.redis(Actor::Bot, end, parent, "SET", query, None);
        (self.send_message(end, parent), None)
    }

    fn call_api(&mut self, at: UnixNanos, parent: SpanId, endpoint: &'static Endpoint) -> (UnixNanos, i64) {
        let span_id = self.new_span();
        let path = (endpoint.path)(&mut self.rng, self.user);
        let reply = self.api(at.plus(ms(0.5)), span_id, endpoint, &path);
        let end = reply.end.plus(self.brief(0.4));
        self.go_span(
            scopes::GO_HTTP,
            span_id,
            Some(parent),
            false,
            format!("HTTP {}", endpoint.method),
            Kind::Client,
            (at, end),
            attrs![
                "http.request.method" => endpoint.method,
                "url.full" => format!("http://api:3000{path}"),
                "http.response.status_code" => reply.status,
                "server.address" => "api",
                "server.port" => 3000i64,
            ],
            None,
            reply.status >= 400,
        );
        (end, reply.status)
    }

    fn send_message(&mut self, at: UnixNanos, parent: SpanId) -> UnixNanos {
        let span_id = self.new_span();
        let end = at.plus(self.brief(68.0));
        self.go_span(
            scopes::GO_HTTP,
            span_id,
            Some(parent),
            false,
            "HTTP POST".into(),
            Kind::Client,
            (at, end),
            attrs![
                "http.request.method" => "POST",
                "url.full" => "https://api.telegram.org/botREDACTED/sendMessage",
                "url.template" => "/bot{token}/sendMessage",
                "http.response.status_code" => 200i64,
                "server.address" => "api.telegram.org",
                "server.port" => 443i64,
            ],
            None,
            false,
        );
        end
    }

    fn go_span(
        &mut self,
        scope: Scope,
        span_id: SpanId,
        parent: Option<SpanId>,
        remote_parent: bool,
        name: String,
        kind: Kind,
        (start, end): (UnixNanos, UnixNanos),
        attributes: crate::otlp::Attributes,
        failure: Option<Failure>,
        failed: bool,
    ) {
        let span = Span {
            trace_id: self.trace_id,
            span_id,
            parent,
            remote_parent,
            name: name.into(),
            kind,
            start,
            end,
            attributes,
            events: failure.iter().map(|f| f.event(end)).collect(),
            links: vec![],
            error: failed.then(|| failure.map(|f| f.message).unwrap_or_default()),
        };
        self.span(Actor::Bot, scope, &span);
    }
}
