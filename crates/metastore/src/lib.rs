//! Floor 3: what people make and the server must remember (rules, silences, dashboards, views), and the log of notifications.
//!
//! SQLite in one file of the data directory; the schema grows by numbered migrations.
//! *Invariant:* no business rules: who may write what, and what it means, is decided above.
