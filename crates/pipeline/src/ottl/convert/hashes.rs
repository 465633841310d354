//! Hashes of texts, in hex.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::{Converter, ones};
use crate::ottl::eval::EvalError;
use crate::ottl::path::text;
use crate::ottl::value::Val;

pub(super) const ONE: &[Converter] = ones![
    "FNV"("value") => fnv,
    "MD5"("value") => md5,
    "SHA1"("value") => sha1,
    "SHA256"("value") => sha256,
    "SHA512"("value") => sha512,
];

fn digest<D: Digest>(v: &Val) -> Result<Val, EvalError> {
    let hash = D::digest(text(v)?.as_bytes());
    Ok(hash.iter().map(|b| format!("{b:02x}")).collect::<String>().into())
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
