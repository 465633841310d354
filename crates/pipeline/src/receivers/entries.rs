//! Entries as a request: those of one resource and scope that follow each other come together.

use wire::otlp::tree::{Logs, OfResource, OfScope, Resource, Scope};

use crate::stanza::Entry;

/// The request in protobuf, and how many records are in it.
pub(super) fn request(entries: Vec<Entry>) -> (Vec<u8>, u64) {
    let records = entries.len() as u64;
    let mut tree = Logs::default();
    for entry in entries {
        let known = tree.resources.last().is_some_and(|r| r.resource.attributes == entry.resource);
        if !known {
            let resource = Resource { attributes: entry.resource, ..Resource::default() };
            tree.resources.push(OfResource { resource, ..OfResource::default() });
        }
        let Some(resource) = tree.resources.last_mut() else { continue };
        if resource.scopes.last().is_none_or(|s| s.scope.name != entry.scope_name) {
            let scope = Scope { name: entry.scope_name, ..Scope::default() };
            resource.scopes.push(OfScope { scope, ..OfScope::default() });
        }
        if let Some(scope) = resource.scopes.last_mut() {
            scope.records.push(entry.record);
        }
    }
    (tree.encode().to_vec(), records)
}
