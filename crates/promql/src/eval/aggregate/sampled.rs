//! `limit_ratio`: a part of the series, always the same ones.
//!
//! Every series has a fixed place between 0 and 1, from a hash of its labels.
//! A ratio r keeps the places below r; a negative one those from 1+r on, so
//! that r and r-1 together keep every series once.

use crate::ast::Aggregate;
use crate::eval::columns::{ABSENT, Histograms, Row, Sink};
use crate::eval::{Eval, EvalError};
use crate::number::format_compact;
use model::labels::Labels;
use twox_hash::XxHash64;

impl Eval<'_> {
    pub(super) fn limit_ratio(&self, a: &Aggregate, sink: &mut Sink<'_>) -> Result<(), EvalError> {
        let mut ratios = self.parameter(a)?;
        for r in &mut ratios {
            if r.is_nan() {
                return Err(EvalError::execution("Ratio value is NaN"));
            }
            let capped = r.clamp(-1.0, 1.0);
            if capped != *r
                && let Some(param) = &a.param
            {
                let (got, to) = (format_compact(*r), format_compact(capped));
                let message = format!("ratio value should be between -1 and 1, got {got}, capping to {to}");
                self.warn(&message, param.span);
            }
            *r = capped;
        }
        let mut values = Vec::with_capacity(self.steps.count);
        let mut histograms = Histograms::new();
        self.each(&a.expr, &mut |row| {
            let place = place(row.labels);
            values.clear();
            values.extend(row.values.iter().zip(&ratios).map(|(v, r)| if keeps(*r, place) { *v } else { ABSENT }));
            histograms.clear();
            histograms.extend(row.histograms.iter().zip(&ratios).map(|(h, r)| h.clone().filter(|_| keeps(*r, place))));
            let row = Row { values: &values, histograms: &histograms, ..row };
            if row.is_empty() { Ok(()) } else { sink(row) }
        })
    }
}

fn keeps(ratio: f64, place: f64) -> bool {
    if ratio >= 0.0 { place < ratio } else { place >= 1.0 + ratio }
}

/// Where a series stands, from 0 to 1.
///
/// The same place as in Prometheus, so that both keep the same series: XXH64 over the labels in order, each name and
/// value behind its length (one byte, or 255 and three bytes for 255 and more).
fn place(labels: &Labels) -> f64 {
    let mut bytes = Vec::with_capacity(labels.iter().map(|(n, v)| n.len() + v.len() + 8).sum());
    for text in labels.iter().flat_map(|(name, value)| [name, value]) {
        match u8::try_from(text.len()) {
            Ok(length) if length < 255 => bytes.push(length),
            _ => {
                let length = text.len() as u32;
                bytes.push(255);
                bytes.extend_from_slice(&length.to_le_bytes()[..3]);
            }
        }
        bytes.extend_from_slice(text.as_bytes());
    }
    XxHash64::oneshot(0, &bytes) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_and_its_complement_keep_each_series_once() {
        let mut kept = 0;
        for i in 0..1000 {
            let p = place(&Labels::from_pairs([("instance", i.to_string().as_str())]));
            assert!((0.0..=1.0).contains(&p));
            assert!(keeps(0.3, p) != keeps(-0.7, p) && keeps(1.0, p) && !keeps(0.0, p));
            kept += usize::from(keeps(0.3, p));
        }
        assert!((250..350).contains(&kept), "{kept}");
    }
}
