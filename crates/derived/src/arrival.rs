//! When a batch came and from whom: what the state machines are told beside its columns.

/// What holds for a batch as a whole.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival<'a> {
    /// When it arrived, milliseconds since the epoch; never falls from one batch to the next.
    pub(crate) ms: i64,
    /// The service of each of its resources.
    pub(crate) services: &'a [u32],
}
