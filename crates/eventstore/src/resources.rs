//! Parsed resources and scopes, shared by all blocks that hold the same one.

use std::sync::Arc;

use hashbrown::HashMap;
use model::trace::{Resource, Scope};
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;

use crate::column::Damaged;
use crate::column::bytes::Reader;

/// Above this the cache starts again: it is the resources of a fleet, not of all of time.
const ENTRIES_MAX: usize = 1 << 16;

/// A resource as queries look at it.
#[derive(Debug, PartialEq)]
pub(crate) struct ResourceInfo {
    pub(crate) resource: Resource,
    pub(crate) service: String,
}

/// A scope as queries look at it.
#[derive(Debug, PartialEq)]
pub(crate) struct ScopeInfo {
    pub(crate) scope: Scope,
}

type Cache<T> = Mutex<HashMap<Box<[u8]>, Arc<T>, FxBuildHasher>>;

/// The resources and scopes that blocks were asked for, by their bytes.
#[derive(Debug, Default)]
pub(crate) struct OriginCache {
    resources: Cache<ResourceInfo>,
    scopes: Cache<ScopeInfo>,
}

fn cached<T>(cache: &Cache<T>, bytes: &[u8], parse: impl FnOnce(&str, &[u8]) -> T) -> Result<Arc<T>, Damaged> {
    if let Some(found) = cache.lock().get(bytes) {
        return Ok(found.clone());
    }
    let mut r = Reader(bytes);
    let schema_url = r.text()?;
    let parsed = Arc::new(parse(schema_url, r.0));
    let mut map = cache.lock();
    if map.len() >= ENTRIES_MAX {
        map.clear();
    }
    Ok(map.entry(bytes.into()).or_insert(parsed).clone())
}

impl OriginCache {
    /// From a value of a block's resource table.
    pub(crate) fn resource(&self, bytes: &[u8]) -> Result<Arc<ResourceInfo>, Damaged> {
        cached(&self.resources, bytes, |schema_url, raw| {
            let mut resource = wire::otlp::read_resource(raw);
            resource.schema_url = schema_url.to_owned();
            let service = resource.service().to_owned();
            ResourceInfo { resource, service }
        })
    }

    /// From a value of a block's scope table.
    pub(crate) fn scope(&self, bytes: &[u8]) -> Result<Arc<ScopeInfo>, Damaged> {
        cached(&self.scopes, bytes, |schema_url, raw| {
            let mut scope = wire::otlp::read_scope(raw);
            scope.schema_url = schema_url.to_owned();
            ScopeInfo { scope }
        })
    }
}
