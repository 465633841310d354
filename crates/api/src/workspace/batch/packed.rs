//! Numbers of a series as base64 of little-endian floats: a fraction of their decimal text, and read without parsing.
//!
//! Every value of a step is sent as it is, in 8 bytes. Values that are kept for a picture go in 4: as the distance from the value of
//! the series that is nearest to zero. No value is then off by more than a ten-millionth of itself, and a series that moves a little far away
//! from zero keeps its shape. NaN stands for no value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// 8 bytes a value.
pub(super) fn exact(out: &mut String, values: impl Iterator<Item = f64>) {
    let bytes: Vec<u8> = values.flat_map(f64::to_le_bytes).collect();
    STANDARD.encode_string(bytes, out);
}

/// 4 bytes a value; returns what has to be added to each.
pub(super) fn near(out: &mut String, values: impl Iterator<Item = f64> + Clone) -> f64 {
    let base = values.clone().filter(|v| v.is_finite()).min_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(0.0);
    let bytes: Vec<u8> = values.flat_map(|v| ((v - base) as f32).to_le_bytes()).collect();
    STANDARD.encode_string(bytes, out);
    base
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(values: &[f64]) -> Vec<f64> {
        let mut out = String::new();
        let base = near(&mut out, values.iter().copied());
        let bytes = STANDARD.decode(out).expect("base64");
        bytes.chunks(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().expect("four bytes"))) + base).collect()
    }

    #[test]
    fn no_value_is_off_by_more_than_a_ten_millionth() {
        let values = [1e-9, 3.7, -52.000_001, 1.795e9, 2.5e12, 0.1 + 0.2];
        for (v, w) in values.iter().zip(back(&values)) {
            assert!((v - w).abs() <= v.abs() * 1.3e-7, "{v} {w}");
        }
    }

    #[test]
    fn small_moves_far_from_zero_are_seen() {
        let values: Vec<f64> = (0..100).map(|i| 4e12 + f64::from(i) * 0.5).collect();
        assert_eq!(back(&values), values);
        assert!(back(&[f64::NAN, 1.0])[0].is_nan());
    }

    #[test]
    fn exact_values_come_back_as_they_were() {
        let mut out = String::new();
        exact(&mut out, [1.0, f64::NAN].into_iter());
        assert_eq!(out, "AAAAAAAA8D8AAAAAAAD4fw==");
    }
}
