//! Floor 1: the write-ahead log that every engine uses.
//!
//! A [`Wal`] is a folder of numbered files. [`Wal::append`] hands a record to
//! the one writer thread, which writes all records that wait, syncs once
//! (group commit), and then runs each record's completion in log order. What
//! a completion does (put the decoded batch in memory, answer the sender)
//! therefore happens strictly after the record is safe, and in the same order
//! as replay will see it.
//!
//! A file is a *generation*: an engine rotates when it freezes its memory, so
//! that generation `n` holds exactly what memory `n` holds, and is deleted
//! when that memory is safe in a segment or block. Format: `docs/formats/wal.md`.
//!
//! *Invariant:* records are bytes; no telemetry, no async runtime.
