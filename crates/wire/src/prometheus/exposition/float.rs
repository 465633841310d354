//! Bounds and quantiles as label values: one spelling, whatever the target wrote.
//!
//! Since Prometheus 3 `le` and `quantile` are normalised to OpenMetrics' canonical numbers, so that a target that changes
//! its format keeps its series.

use std::borrow::Cow;

use super::LabelRef;
use crate::prometheus::sink::MetricType;

/// Go's `strconv.FormatFloat(v, 'g', -1, 64)` with `.0` where it would look whole: `1.0`, `0.005`, `1e+06`, `+Inf`.
pub(super) fn canonical(v: f64) -> String {
    if v.is_nan() {
        return "NaN".to_owned();
    }
    if v.is_infinite() {
        return (if v > 0.0 { "+Inf" } else { "-Inf" }).to_owned();
    }
    let scientific = format!("{v:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>().unwrap_or(0) {
        exponent @ -4..6 => {
            let plain = v.to_string();
            if plain.contains('.') || exponent < 0 && v != 0.0 { plain } else { plain + ".0" }
        }
        exponent => format!("{mantissa}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()),
    }
}

/// Respells the bound or quantile among the labels of a series, by the type that was declared last.
pub(super) fn normalise(kind: MetricType, labels: &mut [LabelRef<'_>]) {
    let name = match kind {
        MetricType::Histogram => "le",
        MetricType::Summary => "quantile",
        _ => return,
    };
    if let Some((_, value)) = labels.iter_mut().find(|(n, _)| n == name)
        && let Ok(number) = super::lex::float(value.as_bytes())
    {
        let spelled = canonical(number);
        if spelled != *value {
            *value = Cow::Owned(spelled);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn numbers_are_spelled_as_go_spells_them() {
        for (v, want) in [
            (0.0, "0.0"),
            (1.0, "1.0"),
            (-1.0, "-1.0"),
            (0.005, "0.005"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (100_000.0, "100000.0"),
            (1_000_000.0, "1e+06"),
            (123_456_789.0, "1.23456789e+08"),
            (2.5, "2.5"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(canonical(v), want);
        }
    }
}
