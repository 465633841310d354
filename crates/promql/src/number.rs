//! The texts of numbers and durations.
//!
//! Numbers as Go reads them with base 0 first and as a float second, which is
//! what makes `0755` octal and `08` decimal; durations as Prometheus's
//! `model.ParseDuration`: units `y w d h m s ms`, each at most once, in this
//! order, integers only.

/// Reads a number literal; none when it is malformed or overflows.
pub fn parse_number(text: &str) -> Option<f64> {
    let plain = strip_underscores(text)?;
    let (negative, digits) = match plain.strip_prefix(['-', '+']) {
        Some(rest) => (plain.starts_with('-'), rest),
        None => (false, plain.as_str()),
    };
    let value = parse_unsigned(digits)?;
    Some(if negative { -value } else { value })
}

fn parse_unsigned(digits: &str) -> Option<f64> {
    if let Some(hex) = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        return i64::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with(['+', '-'])).map(|v| v as f64);
    }
    let octal = digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    if octal && let Ok(v) = i64::from_str_radix(digits, 8) {
        return Some(v as f64);
    }
    if digits.eq_ignore_ascii_case("inf") || digits.eq_ignore_ascii_case("infinity") {
        return Some(f64::INFINITY);
    }
    if digits.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    digits.parse::<f64>().ok().filter(|v| v.is_finite())
}

/// Underscores may only stand between digits (or after the `0x`).
fn strip_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    for (i, b) in bytes.iter().enumerate() {
        if *b == b'_' {
            let before = i.checked_sub(1).and_then(|p| bytes.get(p))?;
            let after = bytes.get(i + 1)?;
            if !(before.is_ascii_hexdigit() || matches!(before, b'x' | b'X')) || !after.is_ascii_hexdigit() {
                return None;
            }
        }
    }
    Some(text.replace('_', ""))
}

/// The units in the order in which they must appear, in milliseconds.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The longest duration: what fits in 64 bits of nanoseconds.
const MAX_MILLIS: i64 = i64::MAX / 1_000_000;

/// Reads `1h30m` into milliseconds; none when it is malformed or too long.
pub fn parse_duration(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut next_unit = 0;
    let mut total = 0i64;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at_checked(digits)?;
        let unit_len = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at_checked(unit_len)?;
        let at = UNITS.iter().position(|(u, _)| *u == unit)?;
        if at < next_unit {
            return None;
        }
        next_unit = at + 1;
        total = number.parse::<i64>().ok()?.checked_mul(UNITS[at].1)?.checked_add(total)?;
        rest = tail;
    }
    (next_unit > 0 && total <= MAX_MILLIS).then_some(total)
}

/// Prints milliseconds as Prometheus does: `90000` is `1m30s`. Not negative.
pub fn format_duration(mut millis: i64) -> String {
    if millis <= 0 {
        return "0s".to_owned();
    }
    let mut out = String::new();
    for (unit, size) in UNITS {
        // Years, weeks and days only when nothing is left over, so that
        // `40d` does not become `5w5d`.
        if matches!(unit, "y" | "w" | "d") && millis % size != 0 {
            continue;
        }
        let n = millis / size;
        if n > 0 {
            out.push_str(&n.to_string());
            out.push_str(unit);
            millis %= size;
        }
    }
    out
}

/// A number as Go prints it in labels: no exponent, `+Inf`, `NaN`.
pub fn format_float(v: f64) -> String {
    if v.is_nan() {
        "NaN".to_owned()
    } else if v.is_infinite() {
        if v > 0.0 { "+Inf" } else { "-Inf" }.to_owned()
    } else {
        format!("{v}")
    }
}

/// Prints a number as Go's `%g` does: the shortest digits that read back, an exponent for large and small ones.
pub fn format_compact(v: f64) -> String {
    if v.is_nan() {
        return "NaN".to_owned();
    }
    if v.is_infinite() {
        return if v > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{v:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    match exponent.parse::<i32>() {
        Ok(e) if v != 0.0 && !(-4..6).contains(&e) => {
            let sign = if e < 0 { '-' } else { '+' };
            format!("{digits}e{sign}{:02}", e.abs())
        }
        _ => format!("{v}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        let cases =
            [("0755", Some(493.0)), ("08", Some(8.0)), ("0xc", Some(12.0)), ("5.", Some(5.0)), (".5", Some(0.5))];
        for (text, want) in cases {
            assert_eq!(parse_number(text), want, "{text}");
        }
        for (text, want) in
            [("1_000", Some(1000.0)), ("-0x10", Some(-16.0)), ("1e400", None), ("_1", None), ("1_", None)]
        {
            assert_eq!(parse_number(text), want, "{text}");
        }
        assert!(parse_number("NaN").is_some_and(f64::is_nan));
        assert_eq!(parse_number("-Inf"), Some(f64::NEG_INFINITY));
    }

    #[test]
    fn compact_as_go_prints() {
        let cases = [
            (1.0, "1"),
            (0.1, "0.1"),
            (100_000.0, "100000"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (1e-4, "0.0001"),
            (1.5e-7, "1.5e-07"),
            (-0.0, "-0"),
            (f64::INFINITY, "+Inf"),
        ];
        for (v, want) in cases {
            assert_eq!(format_compact(v), want);
        }
    }

    #[test]
    fn durations() {
        for (text, want) in [("5m", Some(300_000)), ("1h30m", Some(5_400_000)), ("1m1h", None), ("5m5m", None)] {
            assert_eq!(parse_duration(text), want, "{text}");
        }
        for (text, want) in [("1y", Some(31_536_000_000)), ("3ms", Some(3)), ("", None), ("5", None), ("300y", None)] {
            assert_eq!(parse_duration(text), want, "{text}");
        }
    }

    #[test]
    fn printed_durations_read_back() {
        for ms in [0, 1, 999, 1000, 90_000, 3_600_000, 86_400_000, 90_000_001, 31_536_000_000, 604_800_000] {
            assert_eq!(parse_duration(&format_duration(ms)), Some(ms));
        }
    }
}
