//! Names that a URL or an old text format cannot hold, spelt with `U__`.
//!
//! Source: Prometheus, "UTF-8 in Prometheus", values escaping: `U__` begins such a name, `__` is an underscore,
//! `_2e_` the character with this number in hexadecimal.

use std::borrow::Cow;

/// The name that an escaped one stands for; what is not escaped, or not correctly, stands for itself.
pub(super) fn unescape(name: &str) -> Cow<'_, str> {
    match name.strip_prefix("U__").and_then(read) {
        Some(name) => name.into(),
        None => name.into(),
    }
}

fn read(mut rest: &str) -> Option<String> {
    let mut out = String::with_capacity(rest.len());
    while let Some((plain, after)) = rest.split_once('_') {
        out.push_str(plain);
        let (code, after) = after.split_once('_')?;
        if code.is_empty() {
            out.push('_');
        } else if code.len() <= 6 {
            out.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
        } else {
            return None;
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_names_are_read() {
        for (name, stands_for) in [
            ("job", "job"),
            ("a__b", "a__b"),
            ("U__http_2e_status", "http.status"),
            ("U__a__b", "a_b"),
            ("U__caf_e9_", "café"),
            ("U__", ""),
            // Not closed, no number, no character.
            ("U__a_2e", "U__a_2e"),
            ("U__a_xy_", "U__a_xy_"),
            ("U__a_d800_", "U__a_d800_"),
            ("U__a_00000041_", "U__a_00000041_"),
        ] {
            assert_eq!(unescape(name), stands_for);
        }
    }
}
