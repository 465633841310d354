//! Numbers, texts and bytes as the proto3 JSON mapping spells them, into protobuf fields.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::super::schema::{Field, Kind};
use crate::protobuf::Writer;

/// A scalar as JSON has it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scalar<'a> {
    Text(&'a str),
    Bool(bool),
    /// Any integer that JSON numbers spell without a fraction, in range of `u64` and `i64`.
    Int(i128),
    Double(f64),
}

/// Writes a scalar as `field`.
///
/// # Errors
/// What was expected instead.
pub(super) fn write(w: &mut Writer, field: &Field, scalar: Scalar<'_>) -> Result<(), String> {
    let n = field.number;
    match field.kind {
        Kind::Text => match scalar {
            Scalar::Text(s) => w.string(n, s),
            _ => return Err(mismatch("text", scalar)),
        },
        Kind::Bool => match scalar {
            Scalar::Bool(b) => w.uint(n, u64::from(b)),
            _ => return Err(mismatch("true or false", scalar)),
        },
        Kind::Id => w.bytes(n, &hex(scalar)?),
        Kind::Base64 => w.bytes(n, &base64(scalar)?),
        Kind::Uint32 => w.uint(n, integer(scalar, 0, i128::from(u32::MAX))? as u64),
        Kind::Uint64 => w.uint(n, integer(scalar, 0, i128::from(u64::MAX))? as u64),
        Kind::Int64 => w.uint(n, integer(scalar, i128::from(i64::MIN), i128::from(i64::MAX))? as u64),
        Kind::Sint32 => w.sint(n, integer(scalar, i128::from(i32::MIN), i128::from(i32::MAX))? as i64),
        Kind::Fixed32 => w.fixed32(n, integer(scalar, 0, i128::from(u32::MAX))? as u32),
        Kind::Fixed64 => w.fixed64(n, integer(scalar, 0, i128::from(u64::MAX))? as u64),
        Kind::Sfixed64 => w.fixed64(n, integer(scalar, i128::from(i64::MIN), i128::from(i64::MAX))? as u64),
        Kind::Double => w.double(n, double(scalar)?),
        Kind::Enum(names) => w.uint(n, enumeration(scalar, names)?),
        Kind::Message(_) => return Err(mismatch("an object", scalar)),
    }
    Ok(())
}

fn mismatch(expected: &str, found: Scalar<'_>) -> String {
    match found {
        Scalar::Text(s) => {
            let shown: String = s.chars().take(40).collect();
            format!("expected {expected}, found the text {shown:?}")
        }
        Scalar::Bool(b) => format!("expected {expected}, found {b}"),
        Scalar::Int(i) => format!("expected {expected}, found {i}"),
        Scalar::Double(d) => format!("expected {expected}, found {d}"),
    }
}

/// An integer: a number, or a text of one. Fractions of zero and exponents are allowed, as proto3 does.
fn integer(scalar: Scalar<'_>, min: i128, max: i128) -> Result<i128, String> {
    let value = match scalar {
        Scalar::Int(i) => Some(i),
        Scalar::Double(d) => whole(d),
        Scalar::Text(s) => match s.parse::<i128>() {
            Ok(i) => Some(i),
            Err(_) if s.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) => s.parse().ok().and_then(whole),
            Err(_) => None,
        },
        Scalar::Bool(_) => None,
    };
    match value {
        Some(i) if (min..=max).contains(&i) => Ok(i),
        _ => Err(mismatch(&format!("an integer from {min} to {max}"), scalar)),
    }
}

/// Out-of-range doubles saturate and are refused by the caller's range.
fn whole(d: f64) -> Option<i128> {
    (d.fract() == 0.0).then_some(d as i128)
}

fn double(scalar: Scalar<'_>) -> Result<f64, String> {
    let value = match scalar {
        Scalar::Int(i) => Some(i as f64),
        Scalar::Double(d) => Some(d),
        Scalar::Text("NaN") => Some(f64::NAN),
        Scalar::Text("Infinity") => Some(f64::INFINITY),
        Scalar::Text("-Infinity") => Some(f64::NEG_INFINITY),
        Scalar::Text(s) => s.parse().ok().filter(|d: &f64| d.is_finite()),
        Scalar::Bool(_) => None,
    };
    value.ok_or_else(|| mismatch("a number, \"NaN\", \"Infinity\" or \"-Infinity\"", scalar))
}

fn enumeration(scalar: Scalar<'_>, names: &[(&str, u64)]) -> Result<u64, String> {
    if let Scalar::Text(s) = scalar
        && let Some((_, number)) = names.iter().find(|(name, _)| *name == s)
    {
        return Ok(*number);
    }
    // Negative numbers are sign-extended, as protobuf encodes enums.
    integer(scalar, i128::from(i32::MIN), i128::from(i32::MAX)).map(|i| i as i64 as u64).map_err(|_| {
        let example = names.last().map_or("", |(name, _)| name);
        mismatch(&format!("an enum's number or name such as {example}"), scalar)
    })
}

fn hex(scalar: Scalar<'_>) -> Result<Vec<u8>, String> {
    let bad = || mismatch("hex digits, two for each byte", scalar);
    let Scalar::Text(s) = scalar else { return Err(bad()) };
    let (pairs, []) = s.as_bytes().as_chunks::<2>() else { return Err(bad()) };
    let digit = |c: u8| (c as char).to_digit(16).map(|d| d as u8);
    pairs.iter().map(|[h, l]| Some(digit(*h)? << 4 | digit(*l)?)).collect::<Option<_>>().ok_or_else(bad)
}

fn base64(scalar: Scalar<'_>) -> Result<Vec<u8>, String> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);
    let Scalar::Text(s) = scalar else { return Err(mismatch("base64", scalar)) };
    let engine = if s.contains(['-', '_']) { URL_SAFE } else { STANDARD };
    engine.decode(s).map_err(|_| mismatch("base64", scalar))
}
