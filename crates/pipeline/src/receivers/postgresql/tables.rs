//! What concerns the tables and indexes of one database.

use tokio_postgres::{Client, Error};

use super::queries;
use super::server::Own;
use crate::receivers::measures::Measures;

pub(super) async fn measure(client: &Client, database: &str, own: &Own<'_>, m: &mut Measures<'_>) -> Result<(), Error> {
    let tables = client.query(queries::TABLES, &[]).await?;
    m.resource_of(own(Some(database)));
    m.level("postgresql.table.count", "{table}", tables.len() as u64, &[]);
    for row in tables {
        let (schema, table): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let mut resource = own(Some(database));
        resource.push("postgresql.schema.name", schema);
        resource.push("postgresql.table.name", table);
        m.resource_of(resource);
        let int = |at| row.try_get::<_, i64>(at);
        for (at, state) in [(2, "live"), (3, "dead")] {
            m.level("postgresql.rows", "1", int(at)?, &[("state", state)]);
        }
        for (at, operation) in [(4, "ins"), (5, "upd"), (6, "del"), (7, "hot_upd")] {
            m.counter("postgresql.operations", "1", int(at)?, &[("operation", operation)]);
        }
        m.counter("postgresql.sequential_scans", "{sequential_scan}", int(8)?, &[]);
        m.counter("postgresql.table.vacuum.count", "{vacuum}", int(9)?, &[]);
        m.level("postgresql.table.size", "By", int(10)?, &[]);
        let sources =
            ["heap_read", "heap_hit", "idx_read", "idx_hit", "toast_read", "toast_hit", "tidx_read", "tidx_hit"];
        for (n, source) in sources.into_iter().enumerate() {
            m.counter("postgresql.blocks_read", "1", int(11 + n)?, &[("source", source)]);
        }
    }
    for row in client.query(queries::INDEXES, &[]).await? {
        let mut resource = own(Some(database));
        for (n, name) in
            ["postgresql.schema.name", "postgresql.table.name", "postgresql.index.name"].into_iter().enumerate()
        {
            resource.push(name, row.try_get::<_, String>(n)?);
        }
        m.resource_of(resource);
        m.counter("postgresql.index.scans", "{scans}", row.try_get::<_, i64>(3)?, &[]);
        m.gauge("postgresql.index.size", "By", row.try_get::<_, i64>(4)?, &[]);
    }
    Ok(())
}
