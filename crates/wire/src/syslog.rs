//! Syslog: messages of RFC 5424 and RFC 3164, and their framing on streams (RFC 6587).
//!
//! RFC 3164 describes what was in use rather than a format, so its reader takes what senders really write: no host name, no tag,
//! no time, or a time of RFC 3339. Attribute names are those of the Collector's syslog receiver.

mod frame;
mod message;
mod record;

pub use frame::{Framing, Splitter, TooLong};
pub use message::{Message, Options, Protocol, SyslogError, parse};
pub use record::log_record;

#[cfg(test)]
mod tests;
