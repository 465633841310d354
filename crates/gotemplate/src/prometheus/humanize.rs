//! Numbers for people: `humanize`, `humanize1024`, `humanizeDuration` and their like, digit by digit as Prometheus prints them.

/// Go's `%.4g`.
pub fn four_digits(v: f64) -> String {
    crate::functions::significant(v)
}

const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];
const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
const BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];

/// Divides by `base` and names the power, until less than `base` is left.
fn scaled_down(mut v: f64, base: f64, prefixes: [&'static str; 8]) -> (f64, &'static str) {
    let mut prefix = "";
    for p in prefixes {
        if v.abs() < base {
            break;
        }
        (prefix, v) = (p, v / base);
    }
    (v, prefix)
}

fn scaled_up(mut v: f64) -> (f64, &'static str) {
    let mut prefix = "";
    for p in SMALL {
        if v.abs() >= 1.0 {
            break;
        }
        (prefix, v) = (p, v * 1000.0);
    }
    (v, prefix)
}

pub(super) fn humanize(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return four_digits(v);
    }
    let (v, prefix) = if v.abs() >= 1.0 { scaled_down(v, 1000.0, LARGE) } else { scaled_up(v) };
    four_digits(v) + prefix
}

pub(super) fn humanize1024(v: f64) -> String {
    if v.abs() <= 1.0 || !v.is_finite() {
        return four_digits(v);
    }
    let (v, prefix) = scaled_down(v, 1024.0, BINARY);
    four_digits(v) + prefix
}

/// An extension: `1.5GiB`.
pub(super) fn humanize_bytes(v: f64) -> String {
    let (v, prefix) = if v.is_finite() { scaled_down(v, 1024.0, BINARY) } else { (v, "") };
    let prefix = if prefix == "ki" { "Ki" } else { prefix };
    format!("{}{prefix}B", four_digits(v))
}

pub(super) fn humanize_percentage(v: f64) -> String {
    four_digits(v * 100.0) + "%"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits_are_those_of_go() {
        for (v, expected) in [
            (0.0, "0"),
            (1.0, "1"),
            (1234.5, "1234"),
            (12345.0, "1.234e+04"),
            (0.00012345, "0.0001234"),
            (0.000012345, "1.234e-05"),
            (999.96, "1000"),
            (9999.6, "1e+04"),
            (-1.5, "-1.5"),
            (1e21, "1e+21"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            assert_eq!(four_digits(v), expected, "{v}");
        }
    }

    // The cases of template_test.go in Prometheus.
    #[test]
    fn numbers_are_those_of_prometheus() {
        let all = |f: fn(f64) -> String, values: &[f64]| values.iter().map(|v| f(*v)).collect::<Vec<_>>().join(" | ");
        assert_eq!(
            all(humanize, &[0.0, 1.0, 1_234_567.0, 0.12, f64::NAN, f64::INFINITY]),
            "0 | 1 | 1.235M | 120m | NaN | +Inf"
        );
        assert_eq!(all(humanize1024, &[0.0, 1.0, 1_048_576.0, 0.12, 1500.0]), "0 | 1 | 1Mi | 0.12 | 1.465ki");
        assert_eq!(all(humanize_percentage, &[-0.22222, 0.0, 0.1234567, 1.23456]), "-22.22% | 0% | 12.35% | 123.5%");
        assert_eq!(all(humanize_bytes, &[1_610_612_736.0, 0.0, 512.0, 2048.0]), "1.5GiB | 0B | 512B | 2KiB");
    }
}
