//! Apache Thrift's binary and compact protocols, without any knowledge of the structs in them.
//!
//! Read only: we answer Thrift clients over HTTP status codes or, on UDP, not at all. Every step
//! is checked against the bytes that are there, and a collection cannot claim more elements than bytes are left.
//! Source: thrift.apache.org, "Thrift Binary protocol encoding" and "Thrift Compact protocol encoding".

mod reader;

pub use reader::{Field, Kind, List, Malformation, Malformed, Protocol, Reader};
