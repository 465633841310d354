//! The JSON texts that Prometheus writes: numbers, times, labels.
//!
//! Source: Prometheus, `util/jsonutil` (what a number looks like) and "HTTP API", "Format overview". Written by hand
//! because a range query answers millions of numbers: this appends bytes and allocates nothing.

use model::Labels;

/// From this on Prometheus writes an exponent.
const EXPONENT_FROM: f64 = 1e21;
/// Below this too.
const EXPONENT_BELOW: f64 = 1e-6;
/// Every whole number below this is exact in a float.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// A JSON string.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, b) in bytes.iter().enumerate() {
        if !matches!(b, 0..=0x1f | b'"' | b'\\') {
            continue;
        }
        out.extend_from_slice(bytes.get(done..at).unwrap_or_default());
        done = at + 1;
        match b {
            b'"' | b'\\' => out.extend([b'\\', *b]),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            b => {
                out.extend(b"\\u00");
                out.extend([usize::from(b >> 4), usize::from(b & 15)].map(|digit| HEX[digit]));
            }
        }
    }
    out.extend_from_slice(bytes.get(done..).unwrap_or_default());
    out.push(b'"');
}

/// An object of labels.
pub(super) fn labels(out: &mut Vec<u8>, labels: &Labels) {
    out.push(b'{');
    for (i, (name, value)) in labels.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        text(out, name);
        out.push(b':');
        text(out, value);
    }
    out.push(b'}');
}

/// Milliseconds as seconds, with three decimals when there are any.
pub(super) fn seconds(out: &mut Vec<u8>, ms: i64) {
    if ms < 0 {
        out.push(b'-');
    }
    let ms = ms.unsigned_abs();
    out.extend_from_slice(itoa::Buffer::new().format(ms / 1000).as_bytes());
    let rest = (ms % 1000) as u16;
    if rest != 0 {
        out.extend([b'.', b'0' + (rest / 100) as u8, b'0' + (rest / 10 % 10) as u8, b'0' + (rest % 10) as u8]);
    }
}

/// [`seconds`] without trailing zeroes: a time beside a scalar or a text is written so.
pub(super) fn short_seconds(out: &mut Vec<u8>, ms: i64) {
    seconds(out, ms);
    if ms % 1000 != 0 {
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

/// A number as a text: the shortest decimal that reads back as the same number, with an exponent only where it is very
/// large or very small.
pub(super) fn number(out: &mut Vec<u8>, value: f64) {
    let size = value.abs();
    if size != 0.0 && !(EXPONENT_BELOW..EXPONENT_FROM).contains(&size) && value.is_finite() {
        exponential(out, value);
    } else {
        plain(out, value);
    }
}

/// A number without an exponent, as Go's `strconv.FormatFloat(v, 'f', -1, 64)`: scalars are written so.
pub(super) fn plain(out: &mut Vec<u8>, value: f64) {
    if value.is_nan() {
        return out.extend(b"NaN");
    }
    if value.is_infinite() {
        return out.extend(if value > 0.0 { b"+Inf" } else { b"-Inf" });
    }
    if value.trunc() == value && value.abs() < WHOLE_MAX {
        if value == 0.0 && value.is_sign_negative() {
            out.push(b'-');
        }
        return out.extend_from_slice(itoa::Buffer::new().format(value as i64).as_bytes());
    }
    let mut buffer = zmij::Buffer::new();
    let shortest = buffer.format_finite(value);
    if shortest.contains('e') {
        out.extend_from_slice(format!("{value}").as_bytes());
    } else {
        out.extend_from_slice(shortest.strip_suffix(".0").unwrap_or(shortest).as_bytes());
    }
}

/// As Go's `strconv.FormatFloat(v, 'g', -1, 64)`: with an exponent from a million on and below a ten-thousandth. The text
/// formats are written so.
pub(super) fn general(out: &mut Vec<u8>, value: f64) {
    let size = value.abs();
    if size != 0.0 && size.is_finite() && !(1e-4..1e6).contains(&size) {
        exponential(out, value);
    } else {
        plain(out, value);
    }
}

/// As Go's `strconv.FormatFloat(v, 'e', -1, 64)`: a sign and at least two digits after the `e`.
pub(super) fn exponential(out: &mut Vec<u8>, value: f64) {
    if !value.is_finite() {
        return plain(out, value);
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |e| ('-', e));
    out.extend_from_slice(format!("{digits}e{sign}{exponent:0>2}").as_bytes());
}

/// `[time, "value"]`.
pub(super) fn point(out: &mut Vec<u8>, t_ms: i64, value: f64) {
    out.push(b'[');
    seconds(out, t_ms);
    out.extend(b",\"");
    number(out, value);
    out.extend(b"\"]");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(f: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        f(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn number_text(value: f64) -> String {
        written(|out| number(out, value))
    }

    #[test]
    fn numbers_as_prometheus_writes_them() {
        // Taken from answers of Prometheus to `vector(..)`.
        for (value, text) in [
            (1.0, "1"),
            (-0.0, "-0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (1e-6, "0.000001"),
            (1e-7, "1e-07"),
            (5e-324, "5e-324"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (0.000_012_345, "0.000012345"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number_text(value), text);
        }
        let general = |v| written(|out| general(out, v));
        assert_eq!([999_999.5, 1e6, 0.0001, 0.00009].map(general), ["999999.5", "1e+06", "0.0001", "9e-05"]);
        assert_eq!(written(|out| plain(out, 1e30)), "1000000000000000000000000000000");
    }

    #[test]
    fn every_number_reads_back() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let value = f64::from_bits(state.rotate_left(17));
            let (short, long) = (number_text(value), written(|out| plain(out, value)));
            for text in [short, long] {
                let back: f64 = text.parse().unwrap();
                assert!(back.to_bits() == value.to_bits() || back.is_nan() && value.is_nan(), "{value:e} is {text}");
            }
        }
    }

    #[test]
    fn times_as_prometheus_writes_them() {
        let text = |ms| written(|out| seconds(out, ms));
        assert_eq!(text(1_435_781_451_781), "1435781451.781");
        assert_eq!(text(1_435_781_451_700), "1435781451.700");
        assert_eq!(text(1_435_781_451_007), "1435781451.007");
        assert_eq!(text(1_435_781_451_000), "1435781451");
        assert_eq!(text(-1_700), "-1.700");
        assert_eq!(text(-5), "-0.005");
        assert_eq!(text(i64::MIN), "-9223372036854775.808");
        let short = |ms| written(|out| short_seconds(out, ms));
        assert_eq!([1_500, 1_000, 10_010, -50].map(short), ["1.5", "1", "10.01", "-0.05"]);
    }

    #[test]
    fn texts_are_escaped() {
        for sample in ["", "plain", "a\"b\\c", "\u{0}\u{1f}\n\r\t\u{7f}é\u{2028}"] {
            let json = written(|out| text(out, sample));
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), sample, "{json}");
        }
        let l = Labels::from_pairs([("__name__", "up"), ("path", "a\"b")]);
        assert_eq!(written(|out| labels(out, &l)), r#"{"__name__":"up","path":"a\"b"}"#);
    }
}
