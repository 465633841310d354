//! Numbers for people: `humanize`, `humanize1024`, `humanizeDuration` and their like, digit by digit as Prometheus prints them.

/// Go's `%.4g`.
pub fn four_digits(v: f64) -> String {
    if v.is_nan() {
        return "NaN".to_owned();
    }
    if v.is_infinite() {
        return if v > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let rounded = format!("{v:.3e}");
    let (mantissa, exponent) = rounded.split_once('e').unwrap_or((&rounded, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |digits: &str| match digits.contains('.') {
        true => digits.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => digits.to_owned(),
    };
    if (-4..4).contains(&exponent) {
        let decimals = usize::try_from(3 - exponent).unwrap_or(0);
        return trim(&format!("{v:.decimals$}"));
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
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

/// Of seconds.
pub(super) fn humanize_duration(v: f64) -> String {
    if !v.is_finite() {
        return four_digits(v);
    }
    if v == 0.0 {
        return "0s".to_owned();
    }
    if v.abs() < 1.0 {
        let (v, prefix) = scaled_up(v);
        return format!("{}{prefix}s", four_digits(v));
    }
    let sign = if v < 0.0 { "-" } else { "" };
    let whole = v.abs() as i64;
    let (days, hours, minutes, seconds) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
    if days != 0 {
        return format!("{sign}{days}d {hours}h {minutes}m {seconds}s");
    }
    if hours != 0 {
        return format!("{sign}{hours}h {minutes}m {seconds}s");
    }
    if minutes != 0 {
        return format!("{sign}{minutes}m {seconds}s");
    }
    format!("{sign}{}s", four_digits(v.abs()))
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
        assert_eq!(
            all(
                humanize_duration,
                &[
                    0.0,
                    1.0,
                    60.0,
                    3600.0,
                    86_400.0,
                    86_400.0 + 3600.0,
                    -(86_400.0 * 2.0 + 3600.0 * 3.0 + 60.0 * 4.0 + 5.0),
                    899.99
                ]
            ),
            "0s | 1s | 1m 0s | 1h 0m 0s | 1d 0h 0m 0s | 1d 1h 0m 0s | -2d 3h 4m 5s | 14m 59s"
        );
        assert_eq!(
            all(humanize_duration, &[0.1, 0.0001, 0.12345, 60.1, 1.2345]),
            "100ms | 100us | 123.5ms | 1m 0s | 1.234s"
        );
        assert_eq!(all(humanize_percentage, &[-0.22222, 0.0, 0.1234567, 1.23456]), "-22.22% | 0% | 12.35% | 123.5%");
        assert_eq!(all(humanize_bytes, &[1_610_612_736.0, 0.0, 512.0, 2048.0]), "1.5GiB | 0B | 512B | 2KiB");
    }
}
