//! Records with their attributes in the order of their keys: the store keeps no order of attributes.

use model::{Attributes, LogRecord, Span};

fn sort(a: &mut Attributes) {
    a.sort_by(|x, y| x.0.cmp(&y.0));
}

/// A log record with sorted attributes.
pub(crate) fn log(r: &LogRecord) -> LogRecord {
    let mut r = r.clone();
    sort(&mut r.attributes);
    r
}

/// A span with sorted attributes.
pub(crate) fn span(s: &Span) -> Span {
    let mut s = s.clone();
    sort(&mut s.attributes);
    s
}
