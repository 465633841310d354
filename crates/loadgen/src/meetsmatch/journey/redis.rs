//! Commands to Redis, as client spans with cache metrics.

use foundation::UnixNanos;

use super::{Journey, SpanId, seconds};
use crate::attrs;
use crate::meetsmatch::cast::{Actor, scopes};
use crate::meetsmatch::instruments as m;
use crate::meetsmatch::registry::labels;
use crate::otlp::{Kind, Severity, Span};

impl Journey<'_> {
    /// One command; a lookup when `cached` says whether the key is there.
    pub(super) fn redis(
        &mut self,
        actor: Actor,
        at: UnixNanos,
        parent: SpanId,
        command: &'static str,
        query: String,
        cached: Option<bool>,
    ) -> UnixNanos {
        let scope = if actor == Actor::Bot { scopes::GO_REDIS } else { scopes::NODE_REDIS };
        let span_id = self.new_span();
        let median = self.conditions.between(0.6, 9.0);
        let end = at.plus(self.brief(median));
        self.span(
            actor,
            scope,
            &Span {
                trace_id: self.trace_id,
                span_id,
                parent: Some(parent),
                remote_parent: false,
                name: command.into(),
                kind: Kind::Client,
                start: at,
                end,
                attributes: attrs![
                    "db.system.name" => "redis",
                    "db.namespace" => "0",
                    "db.operation.name" => command,
                    "db.query.text" => query.clone(),
                    "server.address" => "redis",
                    "server.port" => 6379i64,
                    "network.peer.address" => "172.20.0.6",
                    "network.peer.port" => 6379i64,
                    "network.transport" => "tcp",
                ],
                events: vec![],
                links: vec![],
                error: None,
            },
        );
        let labels = labels!["operation" => command, "status" => "success"];
        self.count(actor, scope, end, &m::REDIS_OPERATIONS, labels.clone(), 1.0);
        self.record(actor, scope, end, &m::REDIS_DURATION, labels, seconds(at, end), span_id);
        self.count(Actor::Redis, scopes::REDIS_RECEIVER, end, &m::REDIS_COMMANDS, labels![], 1.0);
        if let Some(hit) = cached {
            let (app, server) = if hit {
                (&m::REDIS_HITS, &m::REDIS_KEYSPACE_HITS)
            } else {
                (&m::REDIS_MISSES, &m::REDIS_KEYSPACE_MISSES)
            };
            self.count(actor, scope, end, app, labels![], 1.0);
            self.count(Actor::Redis, scopes::REDIS_RECEIVER, end, server, labels![], 1.0);
            if !hit && actor != Actor::Bot {
                let key = query.split(' ').nth(1).unwrap_or_default().to_owned();
                self.log(
                    actor,
                    scopes::NODE_PINO,
                    end,
                    Severity::Debug,
                    format!("cache miss for {key}"),
                    Some(parent),
                    attrs!["cache.key" => key, "logger" => "cache"],
                );
            }
        }
        end
    }

    /// Whether a lookup finds its key now.
    pub(super) fn cache_hit(&mut self) -> bool {
        let p = self.conditions.between(0.88, 0.18);
        self.rng.chance(p)
    }
}
