//! Requests put together record by record, grouped by resource and scope.
//!
//! For converters from other formats, which learn of resources and scopes in any order: the records
//! of each scope are encoded as they come, so that nothing but bytes is kept. All three
//! signals have the same envelope, so one type serves them.
//! Source: opentelemetry/proto/collector/*/v1.

use std::collections::HashMap;

use model::trace::{Resource, Scope};

use super::encode;
use crate::protobuf::Writer;

/// An `Export*ServiceRequest` that grows.
#[derive(Debug, Default)]
pub struct Assembly {
    resources: Vec<ResourceGroup>,
    by_resource: HashMap<Vec<u8>, usize>,
    records: u64,
}

#[derive(Debug)]
struct ResourceGroup {
    /// The encoded `Resource`.
    encoded: Vec<u8>,
    schema_url: String,
    scopes: Vec<ScopeGroup>,
    by_scope: HashMap<Vec<u8>, usize>,
}

#[derive(Debug)]
struct ScopeGroup {
    /// The encoded `InstrumentationScope`.
    encoded: Vec<u8>,
    schema_url: String,
    records: Writer,
}

/// The records of one scope of one resource in an [`Assembly`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    resource: usize,
    scope: usize,
}

impl Assembly {
    /// An empty request.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the records of this resource and scope are kept.
    pub fn group(&mut self, resource: &Resource, scope: &Scope) -> Group {
        let mut w = Writer::new();
        encode::resource(&mut w, resource);
        let encoded = w.into_bytes();
        let at = match self.by_resource.get(&encoded) {
            Some(at) => *at,
            None => {
                self.by_resource.insert(encoded.clone(), self.resources.len());
                let schema_url = resource.schema_url.clone();
                self.resources.push(ResourceGroup {
                    encoded,
                    schema_url,
                    scopes: Vec::new(),
                    by_scope: HashMap::new(),
                });
                self.resources.len() - 1
            }
        };
        let scope = self.resources[at].scope(scope);
        Group { resource: at, scope }
    }

    /// Adds a record: `body` writes the fields of a `Span`, `LogRecord` or `Metric`.
    pub fn record(&mut self, group: Group, body: impl FnOnce(&mut Writer)) {
        let scope = self.resources.get_mut(group.resource).and_then(|r| r.scopes.get_mut(group.scope));
        if let Some(scope) = scope {
            scope.records.message(2, body);
            self.records += 1;
        }
    }

    /// Adds `count` records that are encoded already, each with its key and length.
    pub fn encoded(&mut self, group: Group, records: &[u8], count: u64) {
        let scope = self.resources.get_mut(group.resource).and_then(|r| r.scopes.get_mut(group.scope));
        if let Some(scope) = scope {
            scope.records.raw(records);
            self.records += count;
        }
    }

    /// How many records there are.
    pub const fn records(&self) -> u64 {
        self.records
    }

    /// The bytes of the records so far, without envelopes.
    pub fn bytes(&self) -> usize {
        self.resources.iter().flat_map(|r| &r.scopes).map(|s| s.records.as_bytes().len()).sum()
    }

    /// The request.
    pub fn into_request(self) -> Vec<u8> {
        let mut w = Writer::new();
        for resource in &self.resources {
            w.message(1, |w| {
                w.bytes(1, &resource.encoded);
                for scope in &resource.scopes {
                    w.message(2, |w| {
                        w.bytes(1, &scope.encoded);
                        w.raw(scope.records.as_bytes());
                        url(w, &scope.schema_url);
                    });
                }
                url(w, &resource.schema_url);
            });
        }
        w.into_bytes()
    }
}

impl ResourceGroup {
    fn scope(&mut self, scope: &Scope) -> usize {
        let mut w = Writer::new();
        encode::scope(&mut w, scope);
        let encoded = w.into_bytes();
        if let Some(at) = self.by_scope.get(&encoded) {
            return *at;
        }
        self.by_scope.insert(encoded.clone(), self.scopes.len());
        self.scopes.push(ScopeGroup { encoded, schema_url: scope.schema_url.clone(), records: Writer::new() });
        self.scopes.len() - 1
    }
}

fn url(w: &mut Writer, url: &str) {
    if !url.is_empty() {
        w.string(3, url);
    }
}

#[cfg(test)]
mod tests {
    use model::{LogRecord, UnixNanos, Value};

    use super::*;
    use crate::otlp::{Limits, decode_logs};
    use crate::rows::RowLogSink;

    #[test]
    fn records_of_one_scope_come_together() {
        let resource = |name: &str| Resource {
            attributes: vec![("service.name".into(), Value::Str(name.into()))],
            ..Resource::default()
        };
        let record = |text: &str| LogRecord { body: Value::Str(text.into()), ..LogRecord::default() };
        let mut assembly = Assembly::new();
        for (service, text) in [("a", "1"), ("b", "2"), ("a", "3")] {
            let group = assembly.group(&resource(service), &Scope::default());
            assembly.record(group, |w| encode::log_record(w, &record(text)));
        }
        assert_eq!(assembly.records(), 3);
        let mut sink = RowLogSink::default();
        decode_logs(&assembly.into_request(), &Limits::new(UnixNanos(1)), &mut sink).unwrap();
        let got: Vec<_> = sink.records.iter().map(|r| (r.resource.service(), r.body.as_str().unwrap())).collect();
        assert_eq!(got, [("a", "1"), ("a", "3"), ("b", "2")]);
    }
}
