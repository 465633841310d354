//! Hashes of texts, in hex.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Converter, murmur3, ones};
use crate::ottl::eval::EvalError;
use crate::ottl::path::text;
use crate::ottl::value::Val;

pub(super) const ONE: &[Converter] = ones![
    "FNV"("value") => fnv,
    "MD5"("value") => md5,
    "Murmur3Hash"("target") => murmur3_32,
    "Murmur3Hash128"("target") => murmur3_128,
    "SHA1"("value") => sha1,
    "SHA256"("value") => sha256,
    "SHA512"("value") => sha512,
    "XXH128"("value") => xxh128,
    "XXH3"("value") => xxh3,
];

fn hex(bytes: &[u8]) -> Val {
    bytes.iter().map(|b| format!("{b:02x}")).collect::<String>().into()
}

fn digest<D: Digest>(v: &Val) -> Result<Val, EvalError> {
    Ok(hex(&D::digest(text(v)?.as_bytes())))
}

fn xxh3(v: &Val) -> Result<Val, EvalError> {
    Ok(hex(&twox_hash::XxHash3_64::oneshot(text(v)?.as_bytes()).to_be_bytes()))
}

fn xxh128(v: &Val) -> Result<Val, EvalError> {
    Ok(hex(&twox_hash::XxHash3_128::oneshot(text(v)?.as_bytes()).to_be_bytes()))
}

fn murmur3_32(v: &Val) -> Result<Val, EvalError> {
    Ok(hex(&murmur3::of_32(text(v)?.as_bytes()).to_le_bytes()))
}

/// Both halves with their least byte first, as the Collector writes them.
fn murmur3_128(v: &Val) -> Result<Val, EvalError> {
    let (low, high) = murmur3::of_128(text(v)?.as_bytes());
    Ok(hex(&[low.to_le_bytes(), high.to_le_bytes()].concat()))
}

fn md5(v: &Val) -> Result<Val, EvalError> {
    digest::<Md5>(v)
}

fn sha1(v: &Val) -> Result<Val, EvalError> {
    digest::<Sha1>(v)
}

fn sha256(v: &Val) -> Result<Val, EvalError> {
    digest::<Sha256>(v)
}

fn sha512(v: &Val) -> Result<Val, EvalError> {
    digest::<Sha512>(v)
}

/// FNV-1a of 64 bits (draft-eastlake-fnv), as a signed integer.
fn fnv(v: &Val) -> Result<Val, EvalError> {
    let hash = text(v)?
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
    Ok((hash as i64).into())
}
