//! The React app: clicks, fetches and page loads, as the web SDK's instrumentations record them.

use foundation::UnixNanos;

use super::endpoints::any_endpoint;
use super::nginx::Proxied;
use super::{Journey, Reply, SpanId, ms, seconds};
use crate::attrs;
use crate::meetsmatch::cast::{Actor, scopes};
use crate::meetsmatch::instruments as m;
use crate::meetsmatch::registry::labels;
use crate::otlp::{Event, Kind, Scope, Severity, Span};

const TAB_PROFILE: [Actor; 6] = [
    Actor::BrowserChrome,
    Actor::BrowserChrome,
    Actor::BrowserChrome,
    Actor::BrowserSafari,
    Actor::BrowserSafari,
    Actor::BrowserFirefox,
];

impl Journey<'_> {
    fn tab(&mut self) -> (Actor, String) {
        let actor = *self.rng.pick(&TAB_PROFILE);
        (actor, format!("203.0.113.{}", 1 + self.user % 250))
    }

    /// A click and the API call that it makes.
    pub(super) fn web_action(&mut self, at: UnixNanos) {
        let endpoint = any_endpoint(&mut self.rng);
        let path = (endpoint.path)(&mut self.rng, self.user);
        let (actor, client) = self.tab();
        let click = self.new_span();
        let fetched = at.plus(self.brief(2.0));
        let reply = self.fetch(actor, fetched, click, endpoint.method, &format!("/api{path}"), |j, at, span| {
            let request = Proxied {
                method: endpoint.method,
                location: "/api/",
                path: &format!("/api{path}"),
                upstream: "172.20.0.4:3000",
                client,
                user_agent: actor.user_agent(),
            };
            j.nginx(at, Some(span), &request, |j, at, span| j.api(at, span, endpoint, &path))
        });
        let end = reply.end.plus(self.brief(6.0));
        let failed = reply.status >= 500;
        self.span(
            actor,
            scopes::WEB_CLICK,
            &Span {
                trace_id: self.trace_id,
                span_id: click,
                parent: None,
                remote_parent: false,
                name: "click".into(),
                kind: Kind::Internal,
                start: at,
                end,
                attributes: attrs![
                    "event_type" => "click",
                    "target_element" => "BUTTON",
                    "target_xpath" => "//html/body/div[@id=\"root\"]/main/section/button",
                    "button.text" => endpoint.button,
                    "url.full" => format!("https://meetsmatch.app{}", endpoint.page),
                    "session.id" => self.session(),
                    "user.id" => self.user.to_string(),
                ],
                events: vec![],
                links: vec![],
                error: None,
            },
        );
        if failed {
            self.count(actor, scopes::WEB_APP, end, &m::WEB_ERRORS, labels!["page" => endpoint.page], 1.0);
            self.log(
                actor,
                scopes::WEB_APP,
                end,
                Severity::Error,
                format!("Request failed with status code {} ({} {})", reply.status, endpoint.method, endpoint.route),
                Some(click),
                attrs![
                    "exception.type" => "ApiError",
                    "exception.message" => format!("Request failed with status code {}", reply.status),
                    "page" => endpoint.page,
                    "session.id" => self.session(),
                ],
            );
        }
    }

    fn session(&self) -> String {
        format!("{:016x}", self.user.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn fetch(
        &mut self,
        actor: Actor,
        at: UnixNanos,
        parent: SpanId,
        method: &'static str,
        path: &str,
        server: impl FnOnce(&mut Self, UnixNanos, SpanId) -> Reply,
    ) -> Reply {
        let span_id = self.new_span();
        let network = if actor == Actor::BrowserSafari { 24.0 } else { 9.0 };
        let sent = at.plus(self.brief(network));
        let answer = server(self, sent, span_id);
        let reply = Reply { end: answer.end.plus(self.brief(network)), ..answer };
        let failed = reply.status >= 400;
        let mut attributes = attrs![
            "component" => "fetch",
            "http.request.method" => method,
            "url.full" => format!("https://meetsmatch.app{path}"),
            "server.address" => "meetsmatch.app",
            "server.port" => 443i64,
            "http.response.status_code" => reply.status,
            "http.response.body.size" => reply.bytes,
        ];
        if failed {
            attributes.extend(attrs!["error.type" => reply.status.to_string()]);
        }
        let events = vec![
            Event { time: at, name: "fetchStart", attributes: vec![] },
            Event { time: at.plus(ms(0.8)), name: "requestStart", attributes: vec![] },
            Event {
                time: answer.end.plus(ms(network / 2.0)).min(reply.end),
                name: "responseStart",
                attributes: vec![],
            },
            Event { time: reply.end, name: "responseEnd", attributes: vec![] },
        ];
        self.span(
            actor,
            scopes::WEB_FETCH,
            &Span {
                trace_id: self.trace_id,
                span_id,
                parent: Some(parent),
                remote_parent: false,
                name: method.into(),
                kind: Kind::Client,
                start: at,
                end: reply.end,
                attributes,
                events,
                links: vec![],
                error: failed.then(|| format!("HTTP {}", reply.status)),
            },
        );
        let labels = labels!["method" => method, "status_code" => reply.status];
        self.record(actor, scopes::WEB_APP, reply.end, &m::WEB_FETCH_DURATION, labels, seconds(at, reply.end), span_id);
        reply
    }

    /// Opens the app: the document and its two largest resources, served by nginx from disk.
    pub(super) fn page_load(&mut self, at: UnixNanos) {
        let (actor, client) = self.tab();
        let page = *self.rng.pick(&["/", "/matches", "/discover", "/chat", "/events"]);
        let load = self.new_span();
        let resources = [
            ("documentFetch", page, "GET /"),
            ("resourceFetch", "/assets/index-C4u2xk.js", "GET /assets/"),
            ("resourceFetch", "/assets/index-B9sQ1a.css", "GET /assets/"),
        ];
        let mut end = at.plus(self.brief(4.0));
        let mut first_byte = end;
        for (index, (name, path, _)) in resources.into_iter().enumerate() {
            let location = if index == 0 { "/" } else { "/assets/" };
            end = self.resource(actor, end, load, name, path, location, client.clone());
            if index == 0 {
                first_byte = end;
            }
        }
        end = end.plus(self.brief(90.0));
        let events = ["fetchStart", "domInteractive", "domContentLoadedEventEnd", "loadEventEnd"];
        let span = end.0 - at.0;
        let events = events
            .into_iter()
            .zip([0, span / 2, span * 3 / 4, span])
            .map(|(name, after)| Event { time: UnixNanos(at.0 + after), name, attributes: vec![] })
            .collect();
        self.web_span(actor, load, None, "documentLoad", at, end, page, events, scopes::WEB_LOAD);
        let lcp = seconds(at, first_byte) + self.rng.lognormal(0.7, 0.4);
        let labels = labels!["page" => page];
        self.count(actor, scopes::WEB_APP, end, &m::WEB_VIEWS, labels.clone(), 1.0);
        self.record(actor, scopes::WEB_APP, end, &m::WEB_LCP, labels, lcp, load);
    }

    fn resource(
        &mut self,
        actor: Actor,
        at: UnixNanos,
        parent: SpanId,
        name: &'static str,
        path: &str,
        location: &'static str,
        client: String,
    ) -> UnixNanos {
        let span_id = self.new_span();
        let sent = at.plus(self.brief(9.0));
        let request = Proxied { method: "GET", location, path, upstream: "-", client, user_agent: actor.user_agent() };
        let reply = self.nginx(sent, Some(span_id), &request, |j, at, _| {
            let bytes = 2_000 + j.rng.below(180_000) as i64;
            Reply { end: at.plus(j.brief(0.5)), status: 200, bytes }
        });
        let end = reply.end.plus(self.brief(14.0));
        self.web_span(actor, span_id, Some(parent), name, at, end, path, vec![], scopes::WEB_LOAD);
        end
    }

    fn web_span(
        &mut self,
        actor: Actor,
        span_id: SpanId,
        parent: Option<SpanId>,
        name: &'static str,
        start: UnixNanos,
        end: UnixNanos,
        path: &str,
        events: Vec<Event>,
        scope: Scope,
    ) {
        self.span(
            actor,
            scope,
            &Span {
                trace_id: self.trace_id,
                span_id,
                parent,
                remote_parent: false,
                name: name.into(),
                kind: Kind::Internal,
                start,
                end,
                attributes: attrs![
                    "url.full" => format!("https://meetsmatch.app{path}"),
                    "session.id" => self.session(),
                    "user_agent.original" => actor.user_agent(),
                ],
                events,
                links: vec![],
                error: None,
            },
        );
    }
}
