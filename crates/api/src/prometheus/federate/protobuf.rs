//! What `/federate` answers in protobuf: floats untyped, native histograms with float counts.

use std::iter::Peekable;

use model::Labels;
use query::metrics::{Newest, NewestValue};
use wire::prometheus::exposition::{FamilyMetric, FamilyValue, write_family};

use super::with_external;
use crate::prometheus::stream::Pieces;

/// Series, sorted by metric name, as delimited messages of a family each.
pub(super) struct Families<I: Iterator> {
    series: Peekable<I>,
    /// What every series gets that has no such label.
    external: Labels,
}

impl<I: Iterator<Item = Newest>> Families<I> {
    pub(super) fn new(series: I, external: Labels) -> Self {
        Self { series: series.peekable(), external }
    }
}

/// `None` for what the format has no place for: custom bounds.
fn value(newest: &Newest) -> Option<FamilyValue<'_>> {
    match &newest.value {
        NewestValue::Float(v) => Some(FamilyValue::Untyped(*v)),
        NewestValue::Histogram(h) => (!h.has_custom_bounds()).then_some(FamilyValue::Histogram(h)),
    }
}

impl<I: Iterator<Item = Newest> + Send + Unpin + 'static> Pieces for Families<I>
where
    I::Item: Send + Unpin,
{
    fn write(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(first) = self.series.next() else { return false };
        let Some(kind) = value(&first).map(|v| v.kind()) else { return true };
        let mut family = vec![first];
        let same = |next: &Newest, first: &Newest| {
            next.labels.metric_name() == first.labels.metric_name() && value(next).is_some_and(|v| v.kind() == kind)
        };
        while let Some(next) = self.series.next_if(|next| family.first().is_some_and(|first| same(next, first))) {
            family.push(next);
        }
        let metrics = family.iter().filter_map(|newest| {
            let labels = with_external(&newest.labels, &self.external);
            Some(FamilyMetric { labels, t_ms: newest.t_ms, value: value(newest)? })
        });
        let name = family.first().map_or("", |first| first.labels.metric_name());
        write_family(out, name, kind, metrics);
        true
    }
}
