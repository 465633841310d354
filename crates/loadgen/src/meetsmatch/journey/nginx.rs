//! The reverse proxy between every client and every service.

use foundation::UnixNanos;

use super::{Journey, Reply, SpanId, seconds};
use crate::attrs;
use crate::meetsmatch::cast::{Actor, scopes};
use crate::meetsmatch::instruments as m;
use crate::meetsmatch::registry::labels;
use crate::otlp::{Kind, Severity, Span};

/// A request as nginx sees it.
pub(super) struct Proxied<'r> {
    pub(super) method: &'static str,
    /// The location that matched.
    pub(super) location: &'static str,
    pub(super) path: &'r str,
    pub(super) upstream: &'static str,
    pub(super) client: String,
    pub(super) user_agent: &'static str,
}

impl Journey<'_> {
    /// Proxies one request; `upstream` gets the time and the span under which it runs.
    pub(super) fn nginx(
        &mut self,
        at: UnixNanos,
        parent: Option<SpanId>,
        request: &Proxied<'_>,
        upstream: impl FnOnce(&mut Self, UnixNanos, SpanId) -> Reply,
    ) -> Reply {
        let span_id = self.new_span();
        let handed = at.plus(self.brief(0.3));
        let answer = upstream(self, handed, span_id);
        let reply = Reply { end: answer.end.plus(self.brief(0.25)), ..answer };
        let mut attributes = attrs![
            "http.request.method" => request.method,
            "url.path" => request.path.to_owned(),
            "url.scheme" => "https",
            "http.route" => request.location,
            "http.response.status_code" => reply.status,
            "http.response.body.size" => reply.bytes,
            "network.protocol.version" => "2",
            "server.address" => "meetsmatch.app",
            "server.port" => 443i64,
            "client.address" => request.client.clone(),
            "user_agent.original" => request.user_agent,
            "nginx.upstream.address" => request.upstream,
            "nginx.upstream.response_time" => seconds(handed, answer.end),
        ];
        let failed = reply.status >= 500;
        if failed {
            attributes.extend(attrs!["error.type" => reply.status.to_string()]);
        }
        self.span(
            Actor::Nginx,
            scopes::NGINX,
            &Span {
                trace_id: self.trace_id,
                span_id,
                parent,
                remote_parent: parent.is_some(),
                name: format!("{} {}", request.method, request.location).into(),
                kind: Kind::Server,
                start: at,
                end: reply.end,
                attributes,
                events: vec![],
                links: vec![],
                error: failed.then(String::new),
            },
        );
        self.served(Actor::Nginx, scopes::NGINX, span_id, request.method, request.location, at, reply);
        self.count(Actor::Nginx, scopes::NGINX, at, &m::NGINX_REQUESTS, labels![], 1.0);
        self.access_log(at, span_id, request, reply);
        reply
    }

    fn access_log(&mut self, at: UnixNanos, span_id: SpanId, request: &Proxied<'_>, reply: Reply) {
        let severity = match reply.status {
            500.. => Severity::Error,
            400..=499 => Severity::Warn,
            _ => Severity::Info,
        };
        let took = seconds(at, reply.end);
        let body = format!(
            "{} - - \"{} {} HTTP/2.0\" {} {} {took:.3} \"{}\"",
            request.client, request.method, request.path, reply.status, reply.bytes, request.user_agent
        );
        let request_id = format!("{:016x}{:016x}", self.rng.next_u64(), self.rng.next_u64());
        self.log(
            Actor::Nginx,
            scopes::NGINX,
            reply.end,
            severity,
            body,
            Some(span_id),
            attrs![
                "log.file.name" => "access.log",
                "http.request.method" => request.method,
                "url.path" => request.path.to_owned(),
                "http.response.status_code" => reply.status,
                "http.response.body.size" => reply.bytes,
                "request_time" => took,
                "upstream_addr" => request.upstream,
                "client.address" => request.client.clone(),
                "request_id" => request_id,
            ],
        );
    }
}
