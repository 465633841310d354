//! `load_with_nhcb`: classic histograms become native ones with custom bounds too.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::histogram::{BucketSpan, CUSTOM_BUCKETS_SCHEMA};
use model::labels::{self, Labels};
use promql::histogram::FloatHistogram;
use promql::number::parse_number;
use promql::series::SequenceValue;

/// One classic histogram at one time.
#[derive(Default)]
struct Classic {
    /// Cumulative counts by bound.
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

impl Classic {
    fn convert(mut self) -> FloatHistogram {
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total = self.count.or(self.buckets.last().map(|b| b.1)).unwrap_or(0.0);
        self.buckets.retain(|b| b.0 != f64::INFINITY);
        let mut below = 0.0;
        let mut positive = Vec::new();
        for count in self.buckets.iter().map(|b| b.1).chain([total]) {
            positive.push(count - below);
            below = count;
        }
        let length = u32::try_from(positive.len()).expect("few buckets");
        FloatHistogram {
            schema: CUSTOM_BUCKETS_SCHEMA,
            count: total,
            sum: self.sum,
            positive_spans: vec![BucketSpan { offset: 0, length }],
            positive,
            custom_bounds: self.buckets.iter().map(|b| b.0).collect(),
            ..FloatHistogram::default()
        }
    }
}

/// The native histograms of all classic ones of a `load`.
pub(crate) fn collate(series: &BTreeMap<Labels, Vec<SequenceValue>>) -> Vec<(Labels, Vec<SequenceValue>)> {
    let mut found: BTreeMap<Labels, BTreeMap<usize, Classic>> = BTreeMap::new();
    for (labels, values) in series {
        let name = labels.metric_name();
        let part = ["_bucket", "_count", "_sum"].into_iter().find(|suffix| name.ends_with(suffix));
        let Some(part) = part else { continue };
        let mut whole = labels.clone();
        whole.set(labels::NAME, &name[..name.len() - part.len()]);
        whole.set("le", "");
        let upper = parse_number(labels.get("le"));
        if part == "_bucket" && upper.is_none() {
            continue;
        }
        for (i, value) in values.iter().enumerate() {
            let SequenceValue::Float(value) = value else { continue };
            let classic = found.entry(whole.clone()).or_default().entry(i).or_default();
            match part {
                "_bucket" => classic.buckets.push((upper.unwrap_or(f64::NAN), *value)),
                "_count" => classic.count = Some(*value),
                _ => classic.sum = *value,
            }
        }
    }
    let sequence = |by_step: BTreeMap<usize, Classic>| {
        let mut out = Vec::new();
        for (i, classic) in by_step {
            out.resize(i, SequenceValue::Gap);
            out.push(SequenceValue::Histogram(Arc::new(classic.convert())));
        }
        out
    };
    found.into_iter().map(|(labels, by_step)| (labels, sequence(by_step))).collect()
}
