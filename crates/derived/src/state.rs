//! Everything that is derived, as one function of the batches in log order.

use eventstore::SpanColumns;

use crate::arrival::Arrival;
use crate::bytes::{Damaged, Reader, put_bytes, put_u64};
use crate::errors::Errors;
use crate::names::Names;
use crate::rejected::Rejected;
use crate::service_graph::ServiceGraph;
use crate::settings::Settings;
use crate::span_metrics::SpanMetrics;

/// How often it is looked for what has expired, in time of arrivals.
const EXPIRE_PERIOD_MS: i64 = 3_600_000;

#[derive(Debug)]
pub(crate) struct State {
    settings: Settings,
    pub(crate) names: Names,
    pub(crate) span_metrics: SpanMetrics,
    pub(crate) service_graph: ServiceGraph,
    pub(crate) errors: Errors,
    pub(crate) rejected: Rejected,
    /// The newest arrival so far, milliseconds since the epoch.
    pub(crate) now_ms: i64,
    expired_ms: i64,
    /// Grows when rows were given other numbers.
    pub(crate) epoch: u64,
    services: Vec<u32>,
}

impl State {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            names: Names::default(),
            span_metrics: SpanMetrics::new(&settings.span_metrics),
            service_graph: ServiceGraph::new(&settings.service_graph),
            errors: Errors::new(&settings.errors),
            rejected: Rejected::new(&settings.span_counts),
            now_ms: 0,
            expired_ms: 0,
            epoch: 0,
            services: Vec::new(),
        }
    }

    pub(crate) fn apply(&mut self, spans: &SpanColumns) {
        self.now_ms = self.now_ms.max(spans.arrived().as_millis());
        self.expire();
        self.services.clear();
        self.services.extend(spans.resources().map(|raw| self.names.service(raw)));
        let at = Arrival { ms: self.now_ms, services: &self.services };
        if self.settings.span_metrics.enabled {
            self.span_metrics.apply(spans, &at);
        }
        if self.settings.service_graph.enabled {
            self.service_graph.advance(self.now_ms);
            self.service_graph.apply(spans, &at, &mut self.names);
        }
        if self.settings.errors.enabled {
            self.errors.apply(spans, &at, &self.names);
        }
        self.rejected.apply(spans, self.now_ms);
    }

    /// Decides about halves of requests that waited until `ms` when no batch comes. To be called with a time that
    /// no later batch arrived before, else a replay could decide otherwise.
    pub(crate) fn advance(&mut self, ms: i64) {
        self.service_graph.advance(ms);
    }

    fn expire(&mut self) {
        if self.now_ms < self.expired_ms.saturating_add(EXPIRE_PERIOD_MS) {
            return;
        }
        self.expired_ms = self.now_ms;
        let before =
            |d: std::time::Duration| self.now_ms.saturating_sub(i64::try_from(d.as_millis()).unwrap_or(i64::MAX));
        let (series, groups) = (before(self.settings.expiration), before(self.settings.errors.expiration));
        self.span_metrics.expire(series);
        self.service_graph.expire(series);
        self.errors.expire(groups);
        self.epoch += 1;
    }

    /// Length and bytes of each part, so that a part made with other settings can be passed over.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.now_ms as u64);
        put_u64(out, self.expired_ms as u64);
        let mut part = |encode: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = Vec::new();
            encode(&mut bytes);
            put_bytes(out, &bytes);
        };
        part(&|out| self.names.encode(out));
        part(&|out| out.extend_from_slice(SpanMetrics::signature(&self.settings.span_metrics).as_bytes()));
        part(&|out| self.span_metrics.encode(out));
        part(&|out| out.extend_from_slice(ServiceGraph::signature(&self.settings.service_graph).as_bytes()));
        part(&|out| self.service_graph.encode(out));
        part(&|out| self.errors.encode(out));
        part(&|out| self.errors.encode_more(out));
        part(&|out| self.rejected.encode(out));
    }

    /// `version` is that of the checkpoint.
    pub(crate) fn decode(r: &mut Reader<'_>, settings: &Settings, version: u8) -> Result<Self, Damaged> {
        let mut state = Self::new(settings);
        state.now_ms = r.i64()?;
        state.expired_ms = r.i64()?;
        state.names = Names::decode(&mut Reader(r.bytes()?))?;
        let (signature, part) = (r.text()?, r.bytes()?);
        if signature == SpanMetrics::signature(&settings.span_metrics) {
            state.span_metrics = SpanMetrics::decode(&mut Reader(part), &settings.span_metrics)?;
        }
        let (signature, part) = (r.text()?, r.bytes()?);
        if signature == ServiceGraph::signature(&settings.service_graph) {
            state.service_graph = ServiceGraph::decode(&mut Reader(part), &settings.service_graph)?;
        }
        state.errors = Errors::decode(&mut Reader(r.bytes()?), &settings.errors)?;
        if version > 1 {
            state.errors.decode_more(&mut Reader(r.bytes()?))?;
        }
        state.rejected = match version {
            ..=2 => Rejected::unsaid(&settings.span_counts, state.now_ms),
            _ => Rejected::decode(&mut Reader(r.bytes()?), &settings.span_counts)?,
        };
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use eventstore::query::{Field, Filter};
    use model::UnixNanos;

    use super::*;
    use crate::rejected::SpanCount;
    use crate::sent::{Sent, columns, columns_at};

    #[test]
    fn a_state_comes_back_from_its_bytes_and_goes_on_the_same() {
        let every = SpanCount { filter: Filter::All, group_by: vec![Field::Name, Field::attribute("peer.service")] };
        let settings = Settings { span_counts: vec![every], ..Settings::default() };
        let half = Sent { kind: 3, id: 7, ..Sent::default() }.with("peer.service", "billing").rejected();
        let other = Sent { kind: 2, id: 8, parent: 7, service: "billing", ..Sent::default() };
        let raised = Sent { exception: Some(("E", "m", "")), id: 9, ..Sent::default() };
        let mut state = State::new(&settings);
        state.apply(&columns(&[half, raised]));
        let mut bytes = Vec::new();
        state.encode(&mut bytes);
        let mut back = State::decode(&mut Reader(&bytes), &settings, 3).unwrap();
        for s in [&mut state, &mut back] {
            s.apply(&columns_at(std::slice::from_ref(&other), UnixNanos::from_secs(1_005)));
        }
        let encoded = |s: &State| {
            let mut out = Vec::new();
            s.encode(&mut out);
            out
        };
        assert_eq!(encoded(&state), encoded(&back));
        assert_eq!((back.service_graph.table.len(), back.service_graph.waiting(), back.errors.groups.len()), (1, 0, 1));
        // A checkpoint of version 1 ends where the errors do, one of version 2 before the rejected spans.
        for version in [1, 2] {
            assert_eq!(State::decode(&mut Reader(&bytes), &settings, version).unwrap().errors.groups.len(), 1);
        }
        // Damage is an error, never a panic.
        for n in 0..bytes.len() {
            assert!(State::decode(&mut Reader(&bytes[..n]), &settings, 3).is_err());
            let mut flipped = bytes.clone();
            flipped[n] ^= 0x55;
            drop(State::decode(&mut Reader(&flipped), &settings, 3));
        }
    }

    #[test]
    fn totals_of_other_buckets_are_not_taken_over() {
        let mut state = State::new(&Settings::default());
        state.apply(&columns(&[Sent { exception: Some(("E", "m", "")), ..Sent::default() }]));
        let mut bytes = Vec::new();
        state.encode(&mut bytes);
        let mut other = Settings::default();
        other.span_metrics.buckets.pop();
        let back = State::decode(&mut Reader(&bytes), &other, 3).unwrap();
        assert_eq!((back.span_metrics.table.len(), back.errors.groups.len()), (0, 1));
    }
}
